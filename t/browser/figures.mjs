// Pictures for the README; see t/figures/portal.pl.

import { go, run, see, until } from "./browser.mjs";

const DESK = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 800 };

// of the others what fits into the window
const WHOLE = ["overview", "overview-dark"];

function table(page, name) {
    return page.getByRole("table", { name });
}

const VIEWS = [
    ["overview", "#/", DESK, "light", page => table(page, /^Endpoints/)],
    ["overview-dark", "#/", DESK, "dark", page => table(page, /^Endpoints/)],
    ["overview-phone", "#/", PHONE, "dark", page => table(page, /^Endpoints/)],
    ["events", "#/events", DESK, "light", page => table(page, /^Events/)],
    ["event", null, { ...DESK, height: 1420 }, "light", async page => {
        const to = page.getByRole("article", { name: "Delivery to fin" });

        await to.getByText("#1", { exact: true }).click();
        return to.getByText("Response 503");
    }],
    ["endpoint", "#/endpoints/fin", DESK, "light",
     page => table(page, "Last attempts")],
    ["log", "#/attempts?result=failed", DESK, "dark",
     page => table(page, /^Attempts/)],
];

run(async ({ told, open, step }) => {
    for (const [name, at, viewport, colorScheme, ready] of VIEWS) {
        const page = await open({ viewport, colorScheme, timezoneId: "UTC",
            reducedMotion: "reduce" });

        await step(page, name, async () => {
            await go(page, at ?? `#/events/${told.event}`);
            await see(await ready(page));

            // the chart is drawn after the text
            await until("drawn", () => page.locator("canvas").evaluateAll(
                all => all.every(c => c.width > 0 && c.getContext("2d")
                    .getImageData(0, 0, c.width, c.height).data
                    .some(value => value > 0))));
            await page.screenshot({ path: `${told.shots}/${name}.png`,
                animations: "disabled", fullPage: WHOLE.includes(name) });
        });

        await page.context().close();
    }
});
