// What the browser's programs share; t/75-browser/Browser.pm starts them and
// says how the two sides talk.
//
//   import { run, ask, until } from "./browser.mjs";
//
//   run(async ({ told, open, step }) => {
//       const page = await open();
//       await step(page, "shows the overview", async () => { ... });
//   });
//
// A step is one check: what throws in it is why it failed.  Things are found as
// people find them, by role, label and text, and waited for, never slept for.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    // a name that slips through is not even looked up
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

// whoever started us is gone
input.on("close", () => process.exit(3));

let told;
let wait = 10000;       // twice the rhythm in which a page asks

function say(what) {
    process.stdout.write(JSON.stringify(what) + "\n");
}

export function note(text) {
    say({ note: String(text) });
}

async function hear() {
    return JSON.parse((await lines.next()).value);
}

// What only the other side can do.
export async function ask(name, args = {}) {
    say({ ask: name, with: args });
    const { answer, failed } = await hear();

    if (failed !== undefined) {
        throw new Error(`${name}: ${failed}`);
    }

    return answer;
}

// Polls until what it gives is true, and gives that.
export async function until(what, look, ms = wait) {
    const end = Date.now() + ms;
    let last;

    for (;;) {
        try {
            const got = await look();

            if (got) {
                return got;
            }

            last = got;

        } catch (error) {
            last = error;
        }

        if (Date.now() > end) {
            throw new Error(`${what}: ${last instanceof Error ? last.message
                : JSON.stringify(last)}`);
        }

        await new Promise(resolve => setTimeout(resolve, 20));
    }
}

export function must(what, held) {
    if (!held) {
        throw new Error(what);
    }
}

export function same(what, got, want) {
    must(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`,
         JSON.stringify(got) === JSON.stringify(want));
}

export async function see(locator) {
    await locator.first().waitFor({ state: "visible" });
}

export async function gone(locator) {
    await until(`${locator} is there still`, async () =>
        await locator.filter({ visible: true }).count() === 0);
}

// What axe finds serious or critical.
export async function axe(page) {
    if (!await page.evaluate(() => "axe" in window)) {
        await page.evaluate(AXE);
    }

    const found = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, {
            resultTypes: ["violations"] });

        return violations.map(v => ({ id: v.id, impact: v.impact, help: v.help,
            nodes: v.nodes.map(n => `${n.target} ${n.html.slice(0, 160)} ` +
                n.failureSummary.replace(/\s+/g, " ")) }));
    });

    for (const v of found.filter(v => !bad(v))) {
        note(`axe, ${v.impact}: ${v.id}: ${v.nodes.slice(0, 3).join("\n  ")}`);
    }

    const serious = found.filter(bad);

    must(serious.map(v => `${v.impact}: ${v.id}: ${v.help}\n  ` +
             v.nodes.slice(0, 5).join("\n  ")).join("\n"),
         serious.length === 0);
}

// To another view, as a link in a message would.
export async function go(page, at) {
    await page.goto(page.url().replace(/#.*|$/, at));
}

function bad(violation) {
    return ["serious", "critical"].includes(violation.impact);
}

// The page must not be wider than the window; what is, by name.
export async function fits(page) {
    const wide = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;

        if (document.documentElement.scrollWidth <= width) {
            return [];
        }

        return [...document.querySelectorAll("body *")]
            .filter(e => e.getBoundingClientRect().right > width + 1)
            .map(e => `${e.tagName} ${e.textContent.slice(0, 40)}`)
            .slice(-5).concat(`${document.documentElement.scrollWidth} px`);
    });

    must(`wider than the window: ${wide.join(" | ")}`, wide.length === 0);
}

// What no page may do, whatever it shows.
class Watch {
    constructor() {
        this.foreign = [];
        this.said = [];
        this.refused = [];
        this.dialogs = [];
        this.requests = [];
    }

    async look(context, site) {
        await context.addInitScript(() => {
            document.addEventListener("securitypolicyviolation", e =>
                console.error(`policy: ${e.violatedDirective} ` +
                    `${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
        });

        context.on("request", request => {
            const url = request.url();

            this.requests.push({ method: request.method(), url });

            if (!url.startsWith(`${site}/`) && !url.startsWith("data:")) {
                this.foreign.push(url);
            }
        });

        context.on("console", message => {
            if (!["error", "warning"].includes(message.type())) {
                return;
            }

            // the browser's own line about an answer that is no success
            if (/^Failed to load resource: the server responded/
                .test(message.text()))
            {
                this.refused.push(`${message.location().url}: ` +
                                  message.text());
                return;
            }

            this.said.push(message.text());
        });

        context.on("weberror", error => this.said.push(
            `not caught: ${error.error().stack || error.error()}`));

        context.on("dialog", async dialog => {
            this.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
            await dialog.dismiss();
        });
    }
}

// One check for each kind of them, and none left for the next.
export function quiet(watch, { refused = false } = {}) {
    for (const [name, list] of [
        ["no request went to another host", watch.foreign],
        ["no error, no warning, no breach of the policy", watch.said],
        ["nothing opened a dialog", watch.dialogs],
        ...refused ? [] : [["no request was refused", watch.refused]]])
    {
        say({ ok: list.length === 0, name });

        if (list.length) {
            note(list.slice(0, 10).join("\n"));
        }
    }
}

let serial = 0;

async function shoot(page, name) {
    const file = `${told.shots}/${told.name}-` +
                 `${String(++serial).padStart(2, "0")}-` +
                 `${name.replace(/[^\w]+/g, "-").slice(0, 60)}.png`;

    await page.screenshot({ path: file, fullPage: true, timeout: 10000 })
        .catch(error => note(`no screenshot: ${error.message}`));

    return file;
}

async function step(page, name, check) {
    let error;

    try {
        await check();

    } catch (e) {
        error = e;
    }

    say({ ok: !error, name });

    if (error) {
        note(`${error.message.replace(/\x1b\[\d+m/g, "")}\n` +
             `at ${page.url()}\nshot: ${await shoot(page, name)}`);

    } else if (told.all_shots) {
        await shoot(page, name);
    }

    return !error;
}

export async function run(test) {
    told = await hear();
    wait *= told.patience;

    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ARGS });
    const watch = new Watch();

    // A window with nothing in it, no cookie, no storage, at a view.
    async function open({ at = "#/", portal = "/jamhook/", ...options } = {}) {
        const context = await browser.newContext({
            viewport: { width: 1280, height: 900 }, locale: "en-GB",
            ...options });

        context.setDefaultTimeout(wait);
        await watch.look(context, told.site);

        const page = await context.newPage();

        await page.goto(told.site + portal + at);
        return page;
    }

    try {
        await test({ told, open, step, watch });

    } catch (error) {
        say({ ok: false, name: "it runs to its end" });
        note(error.stack);
    }

    await browser.close();
    process.exit(0);
}
