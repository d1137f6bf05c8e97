/*
 * Numbers, durations and times for people, in their own language's habits for
 * figures and dates.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const figures = new Intl.NumberFormat();

const clock = new Intl.DateTimeFormat(undefined,
    { hour: '2-digit', minute: '2-digit', second: '2-digit',
      hourCycle: 'h23' });

const dateAndClock = new Intl.DateTimeFormat(undefined,
    { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit',
      second: '2-digit', hourCycle: 'h23' });

const withYear = new Intl.DateTimeFormat(undefined,
    { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit',
      minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

const minutes = new Intl.DateTimeFormat(undefined,
    { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit',
      hourCycle: 'h23' });

/* The server's clock less this machine's: ages are told by the server's. */
let skew = 0;


/* What the server's clock said when this one's said at. */
export function setServerTime(rfc3339, at) {
    skew = (Date.parse(rfc3339) - at) || 0;
}


export function now() {
    return Date.now() + skew;
}


export function number(n) {
    return figures.format(n);
}


/* "1 event", "1,204 events" */
export function count(n, one, many = `${one}s`) {
    return `${number(n)} ${n === 1 ? one : many}`;
}


/* nginx's words begin small and end without a full stop */
export function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1)
        + (/[.!?]$/.test(text) ? '' : '.');
}


/* those that are there */
export function sentences(...texts) {
    return texts.filter(Boolean).map(sentence).join(' ');
}


export function duration(ms) {
    if (ms === null || ms === undefined) {
        return '–';
    }

    if (ms < SECOND) {
        return `${ms} ms`;
    }

    if (ms < MINUTE) {
        return `${figures.format(Math.round(ms / 100) / 10)} s`;
    }

    return span(ms);
}


/* A span of time, roughly: "4 min", "3 h", "2 days". */
export function span(ms) {
    const units = [[DAY, 'day'], [HOUR, 'h'], [MINUTE, 'min'], [SECOND, 's']];
    const [unit, name] = units.find(([size]) => ms >= size) ?? units.at(-1);
    const n = Math.max(0, Math.floor(ms / unit));

    return `${n} ${name === 'day' && n !== 1 ? 'days' : name}`;
}


export function age(rfc3339) {
    return span(now() - Date.parse(rfc3339));
}


/* "3 min ago", "in 4 min", "just now" */
export function relative(rfc3339) {
    const distance = Date.parse(rfc3339) - now();

    if (Math.abs(distance) < 2 * SECOND) {
        return distance > 0 ? 'now' : 'just now';
    }

    return distance > 0 ? `in ${span(distance)}` : `${span(-distance)} ago`;
}


/* Local time, as short as it can be and still be exact to the second. */
export function moment(time) {
    const date = new Date(time);
    const today = new Date(now());

    if (date.toDateString() === today.toDateString()) {
        return clock.format(date);
    }

    const thisYear = date.getFullYear() === today.getFullYear();

    return (thisYear ? dateAndClock : withYear).format(date);
}


/* "23 Nov, 14:15 – 14:30" */
export function period(from, seconds) {
    const start = Date.parse(from);

    return minutes.formatRange(start, start + seconds * SECOND);
}


/* "98.2 %"; never 100 % while something failed, nor 0 % while not all did */
export function rate(succeeded, failed) {
    const all = succeeded + failed;

    if (all === 0) {
        return '–';
    }

    const tenths = Math.round(succeeded / all * 1000);
    const honest = Math.min(Math.max(tenths, succeeded ? 1 : 0),
                            failed ? 999 : 1000);

    return `${figures.format(honest / 10)} %`;
}


export function bytes(n) {
    if (n < 1024) {
        return count(n, 'byte');
    }

    return n < 1024 * 1024
        ? `${figures.format(Math.round(n / 102.4) / 10)} KiB`
        : `${figures.format(Math.round(n / 104857.6) / 10)} MiB`;
}


/* Between RFC 3339 in UTC and what an <input type="datetime-local"> holds. */
export function toInput(rfc3339) {
    const time = Date.parse(rfc3339);

    if (Number.isNaN(time)) {
        return '';
    }

    const offset = new Date(time).getTimezoneOffset() * MINUTE;

    return new Date(time - offset).toISOString().slice(0, 16);
}


export function fromInput(value) {
    const time = value ? new Date(value).getTime() : NaN;

    return Number.isNaN(time) ? '' : new Date(time).toISOString();
}
