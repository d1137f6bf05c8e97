/*
 * uPlot, told how a panel of bars looks here.  Colours come from the style's
 * custom properties, so that both themes have theirs.  uPlot sets sizes through
 * the CSSOM, which the Content-Security-Policy allows.
 */

import uPlot from 'uplot';

const AXIS = 44;                         /* px for the figures at the left */
const FOOT = 26;                         /* px for the times below */


/*
 * Draws a panel into element: times (Unix seconds), values, width (seconds of a
 * bucket), tone ("good" or "bad"), foot: with times below.  hover(index or
 * null) tells what the pointer is at; panels of one group move together.
 * Gives { set(times, values), end() }.
 */
export function drawBars(element, { times, values, width, tone, foot, group,
                                    height, hover })
{
    let plot = null;
    let data = [times, values];

    function draw() {
        plot?.destroy();
        plot = new uPlot(options(), data, element);
    }

    function options() {
        const style = getComputedStyle(element);
        const color = (name) => style.getPropertyValue(name).trim();
        const font = `11px ${style.fontFamily}`;

        return {
            width: Math.max(element.clientWidth, 120),
            height: height + (foot ? FOOT : 0),
            padding: [10, 16, foot ? 0 : 4, 0],
            legend: { show: false },
            cursor: {
                y: false,
                points: { show: false },
                drag: { x: false, y: false },
                sync: { key: group, setSeries: false },
            },
            scales: {
                x: { range: () => [data[0][0], data[0].at(-1) + width] },
                y: { range: (u, min, max) => [0, Math.max(max ?? 0, 2)] },
            },
            series: [{}, {
                fill: tone === 'bad'
                    ? () => hatch(color('--bad'))
                    : color('--bar'),
                stroke: color('--bad'),
                width: tone === 'bad' ? 1 : 0,
                points: { show: false },
                paths: uPlot.paths.bars({ size: [0.82, 40], align: 1 }),
            }],
            axes: [{
                show: foot,
                size: FOOT,
                font,
                stroke: color('--quiet'),
                grid: { show: false },
                ticks: { stroke: color('--line'), size: 4, width: 1 },
                values: (u, splits, axis, space, step) =>
                    labels(splits, step),
            }, {
                size: AXIS,
                font,
                stroke: color('--quiet'),
                grid: { stroke: color('--line'), width: 1 },
                ticks: { show: false },
                incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000,
                        1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7],
                space: 24,
                values: (u, splits) => splits.map(short),
            }],
            hooks: {
                setCursor: [(u) => hover?.(bucketAt(u))],
            },
        };
    }

    /* uPlot's own index is of the nearest beginning, not of the bucket */
    function bucketAt(u) {
        const time = u.posToVal(u.cursor.left, 'x');
        const index = Math.floor((time - data[0][0]) / width);

        return u.cursor.left >= 0 && index < data[0].length ? index : null;
    }

    const sizes = new ResizeObserver(() => plot.setSize({
        width: Math.max(element.clientWidth, 120),
        height: plot.height,
    }));

    const theme = matchMedia('(prefers-color-scheme: dark)');

    draw();
    sizes.observe(element);
    theme.addEventListener('change', draw);

    return {
        set(...next) {
            data = next;
            plot.setData(data);
        },

        end() {
            sizes.disconnect();
            theme.removeEventListener('change', draw);
            plot.destroy();
        },
    };
}


/* Failed is not told by its colour alone. */
function hatch(color) {
    const tile = document.createElement('canvas');
    const side = 6 * devicePixelRatio;

    tile.width = tile.height = side;

    const context = tile.getContext('2d');

    context.strokeStyle = color;
    context.lineWidth = side / 3;
    context.beginPath();

    for (const shift of [-side, 0, side]) {
        context.moveTo(shift, side);
        context.lineTo(shift + side, 0);
    }

    context.stroke();

    return context.createPattern(tile, 'repeat');
}


function labels(splits, step) {
    const format = new Intl.DateTimeFormat(undefined, step >= 86400
        ? { day: 'numeric', month: 'short' }
        : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

    return splits.map((time) => format.format(time * 1000));
}


function short(n) {
    return n >= 1e6 ? `${n / 1e6}M` : n >= 1e4 ? `${n / 1e3}k` : String(n);
}
