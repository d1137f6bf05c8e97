// Each view, on a day on which not all is well; see t/75-browser/010-look.t.

import { ask, axe, fits, go, gone, must, quiet, run, same, see, until }
    from "./browser.mjs";

const CONVERSATION = "https://app.intercom.com/a/inbox/acme/conversation/";
const ALL = 70;
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

const VIEWS = {
    overview: ["#/", "heading", /things need a look/],
    events: ["#/events", "table", /^Events/],
    "no events": ["#/events?jam_id=nobody", "text", "No event is like that"],
    "an event": ["#/events/msg_ok", "region", "Payload"],
    "an event that waits": ["#/events/msg_late", "region", "Payload"],
    "a hostile event": ["#/events/msg_hostile", "region", "Payload"],
    "an event with a hostile answer": ["#/events/msg_evil", "region",
                                       "Payload"],
    "a long event": ["#/events/msg_long", "region", "Payload"],
    "an event of wide words": [`#/events/${"m".repeat(256)}`, "region",
                               "Payload"],
    "a forgotten event": ["#/events/msg_forgotten", "text", /were removed/],
    "no event": ["#/events/msg_nothing", "text", /is not in the store/],
    "an endpoint": ["#/endpoints/fin", "table", "Last attempts"],
    "an endpoint that is gone": ["#/endpoints/legacy", "text", /410 Gone/],
    "no endpoint": ["#/endpoints/nobody", "text", /no endpoint of this name/],
    "the log": ["#/attempts", "table", /^Attempts/],
    nowhere: ["#/nowhere", "heading", /no such view/],
};

function mark(page, [, role, name]) {
    return role === "text" ? page.getByText(name)
                           : page.getByRole(role, { name });
}

function rows(page, name) {
    return page.getByRole("table", { name }).getByRole("row")
               .filter({ has: page.getByRole("rowheader") });
}

const events = page => rows(page, /^Events/);
const link = (page, name) => page.getByRole("link", { name, exact: true });

async function heading(page, name) {
    await see(page.getByRole("heading", { level: 1, name }));
}

async function overview(page, step, open) {
    await step(page, "the overview says how many things are wrong", () =>
        heading(page, /things need a look/));

    await step(page, "... and what they are, and what to do", async () => {
        for (const text of [
            /Endpoint legacy is paused/, /410 Gone.*then resume it/,
            /Endpoint crm is failing/, /Answered 503/,
            /request.* to \/jam .*refused/i, /media_type_unsupported/,
            /1 delivery to fin failed for good/])
        {
            await see(page.getByRole("main").getByText(text));
        }
    });

    await step(page, "what was lost of late is a warning, with its events",
               async () => {
        const at = page.url();

        await see(page.getByText(/In the last two days.*replay it/));
        await page.getByRole("link", { name: /^Look: 1 delivery to fin/ })
                  .click();
        await heading(page, "Events");
        await see(events(page).getByText("msg_lost"));
        same("events", await events(page).count(), 1);
        must("since", await page.getByLabel("Since").inputValue() !== "");
        await page.goBack();
        same("back", page.url(), at);
    });

    await step(page, "... what was lost before is but a note", async () => {
        const other = await open();

        await other.route(/api\/events\?state=failed/, route => route.fulfill({
            json: { data: [], next: null } }));
        await other.reload();
        await see(other.getByRole("listitem").filter({ hasText:
            /1 delivery to fin failed.*Not in the last two days/ })
            .locator(".icon-note"));
        await other.context().close();
    });

    await step(page, "the tab says it too", () => until("title", async () =>
        /things need a look/.test(await page.title())));

    await step(page, "what is sent is small", async () => {
        const bytes = await page.evaluate(() => performance.getEntries()
            .filter(e => !/\/api\//.test(e.name))
            .reduce((sum, e) => sum + (e.transferSize ?? 0), 0));

        must(`${bytes} bytes`, bytes > 10000 && bytes < 150000);
    });

    await step(page, "the chart is told as a sentence", () =>
        see(page.getByRole("img", {
            name: /last 24 hours: 13\d succeeded, 3 failed/ })));

    await step(page, "... drawn", () => until("bars", () =>
        page.getByRole("img", { name: /succeeded/ }).locator("canvas")
            .evaluateAll(all => all.length > 1 && all.every(c => c.getContext(
                "2d").getImageData(0, 0, c.width, c.height).data
                    .some(value => value > 0)))));

    await step(page, "... and there as figures", async () => {
        await page.getByText("The same as a table").click();
        await see(page.getByRole("table", { name: /13\d succeeded/ })
            .getByRole("cell", { name: /^13\d$/ }));
    });

    for (const [window, name] of [["7d", /last 7 days: 13\d/],
        ["30d", /last 30 days: 13\d/], ["1h", /last hour: 13\d/]])
    {
        await step(page, `the window ${window} has its address`, async () => {
            await link(page, `Last ${window}`).click();
            await see(page.getByRole("img", { name }));
            must("the address", page.url().includes(`window=${window}`));
        });
    }

    const endpoints = rows(page, /^Endpoints/);
    const endpoint = name => endpoints.filter({ has: link(page, name) });

    await step(page, "each endpoint: its state, rate and latency", async () => {
        same("how many", await endpoints.count(), 4);
        await see(endpoint("fin").getByText("Active"));
        await see(endpoint("fin").getByText(/^98\.\d %/));
        await see(endpoint("audit").getByText("100 %"));
        await see(endpoint("audit").getByText(/\d ms/));
        await see(endpoint("crm").getByText("Failing"));
        await see(endpoint("legacy").getByText("Paused"));
    });

    await step(page, "... what is pending, since when, and which", async () => {
        await see(endpoint("crm").getByText(/oldest \d+ s/));
        await endpoint("crm").getByRole("link", { name: /1 pending/ }).click();
        await see(events(page).getByText("msg_late"));
        same("events", await events(page).count(), 1);
        await page.goBack();
    });

    const place = page.getByRole("article")
        .filter({ has: page.getByRole("heading", { name: "/jam" }) });

    await step(page, "each ingest location: what came, what was refused, why,"
                     + " and what to do", async () => {
        for (const text of [/\d+ stored/, /1 signature invalid/,
                            /1 media type unsupported/, /application\/json/])
        {
            await see(place.getByText(text));
        }

        await see(page.getByRole("article").filter({ hasText: "/sales" })
                      .getByText("1 stored"));
    });
}

async function list(page, step, open, told) {
    const ids = () => events(page).evaluateAll(all => all.map(
        row => row.querySelector("a").hash.split("/").pop()));

    await step(page, "the list of events", async () => {
        await link(page, "Events").click();
        await heading(page, "Events");
        await see(page.getByText("50 events so far"));
        same("rows", await events(page).count(), 50);
        same("the newest first", (await ids())[0], "m".repeat(256));
    });

    await step(page, "... goes on", async () => {
        await page.getByRole("button", { name: "Show more" }).click();
        await see(page.getByText(`${ALL} events, that is all`));
        same("rows", await events(page).count(), ALL);
    });

    const has = (name, want) => until(name, async () =>
        JSON.stringify(await ids()) === JSON.stringify(want));

    for (const [label, value, query, want] of [
        ["Endpoint", "crm", "endpoint=crm", ["msg_late"]],
        ["With a delivery", "failed", "state=failed", ["msg_late", "msg_lost"]],
        ["With a delivery", "pending", "state=pending", ["msg_late"]],
        ["Type", "intercom.recorder.opted_out", "type=", ["msg_opted"]],
        ["Conversation", "215470686832743", "conversation_id=",
         ["msg_opted", "msg_ok"]],
        ["Jam", "jam-late", "jam_id=", ["msg_late"]]])
    {
        await step(page, `filtered by ${label}, ${value}`, async () => {
            await go(page, "#/events");

            const field = page.getByLabel(label, { exact: true });

            if (await field.evaluate(e => e.tagName) === "SELECT") {
                await field.selectOption(value);

            } else {
                await field.fill(value);
                await field.press("Enter");
            }

            await has(label, want);
            must("the address", page.url().includes(query));

            await page.getByRole("button", { name: "Clear filters" }).click();
            await see(page.getByText("50 events so far"));
        });
    }

    await step(page, "filtered by two of them, and sent to a colleague",
               async () => {
        await go(page, "#/events");
        await page.getByLabel("Endpoint").selectOption("legacy");
        await page.getByLabel("With a delivery").selectOption("failed");
        await has("both", ["msg_late"]);

        const other = await open({ at: new URL(page.url()).hash });

        await see(events(other).getByText("msg_late"));
        same("the field", await other.getByLabel("Endpoint").inputValue(),
             "legacy");
        await other.context().close();
        await page.getByRole("button", { name: "Clear filters" }).click();
    });

    await step(page, "filtered by time", async () => {
        await go(page, "#/events");
        await page.getByLabel("Since").fill("2040-01-01T00:00");
        await page.getByLabel("Since").press("Enter");
        await see(page.getByText("No event is like that"));
        await page.getByLabel("Since").fill("2020-01-01T00:00");
        await page.getByLabel("Since").press("Enter");
        await see(page.getByText("50 events so far"));
        await page.getByLabel("Until").fill("2020-01-02T00:00");
        await page.getByLabel("Until").press("Enter");
        await see(page.getByText("No event is like that"));
        await page.getByRole("button", { name: "Clear filters" }).click();
        await see(page.getByText("50 events so far"));
    });

    await step(page, "what is being typed stays while a list is refreshed",
               async () => {
        const other = await open({ at: "#/events" });
        const field = other.getByLabel("Conversation");

        await see(events(other));
        await other.clock.install();
        await field.fill("late");
        await other.clock.fastForward(6000);
        await other.waitForResponse(/api\/events/);
        await other.clock.runFor(1000);
        same("the field", await field.inputValue(), "late");
        await field.press("End");
        await other.keyboard.type("1");
        await field.press("Enter");
        await see(other.getByText("1 event, that is all"));
        await other.context().close();
    });

    await step(page, "a new event shows by itself", async () => {
        await go(page, "#/events");
        await page.evaluate(() => { window.same = true; });
        same("sent", await ask("send", { id: "msg_live",
                                         conversation: "live1" }), 200);
        await until("the first row", async () =>
            (await ids())[0] === "msg_live");
        must("it was not loaded anew", await page.evaluate(() => window.same));
    });

    await step(page, "an event has links to its conversation and recording",
               async () => {
        const row = events(page).filter({ hasText: "msg_live" });

        same("conversation", await row.getByRole("link", { name: /^live1/ })
            .getAttribute("href"), `${CONVERSATION}live1`);
        same("recording", await row.getByRole("link", { name: /^jam-1/ })
            .getAttribute("href"), "https://jam.dev/r/rec_12345");
    });

    await step(page, "a list that is left open does not grow all day",
               async () => {
        const other = await open();
        const rows = other.locator("tbody tr");
        const first = JSON.parse(await other.evaluate(async () =>
            (await fetch("api/events?limit=1")).text())).data[0];
        let last = 1000;

        // twenty more each time
        await other.route(/api\/events\?/, route => {
            const at = new URL(route.request().url()).searchParams
                .get("cursor") ?? (last += 20);
            const data = Array.from({ length: 50 }, (_, i) => ({ ...first,
                id: `m${at - i}`,
                received_at: new Date((at - i) * 1000).toISOString() }));

            return route.fulfill({ json: { data, next: `${at - 50}` } });
        });

        const refresh = async () => {
            const id = `m${last + 20}`;

            await other.clock.fastForward(6000);
            await see(other.getByText(id, { exact: true }));
        };

        await other.clock.install();
        await go(other, "#/events");
        await see(other.getByText("m1020", { exact: true }));
        await refresh();
        same("rows", await rows.count(), 50);

        // what somebody has asked for stays
        await other.getByRole("button", { name: "Show more" }).click();
        await see(other.getByText("100 events so far"));
        await refresh();
        same("rows", await rows.count(), 120);

        for (let i = 0; i < 30; i++) {
            await refresh();
        }

        must("not for ever", await rows.count() < 620);
        await other.context().close();
    });

    await step(page, "a paused list does not ask", async () => {
        const other = await open({ at: "#/events" });

        await see(events(other));
        await other.getByRole("switch", { name: "Live" }).click();
        await other.clock.install();

        let asked = 0;

        other.on("request", () => asked++);
        await other.clock.fastForward(300000);
        same("requests", asked, 0);
        await other.getByRole("switch", { name: "Live" }).click();
        await until("requests again", () => asked > 0);
        await other.context().close();
    });
}

async function event(page, step, open, told) {
    const to = name => page.getByRole("article",
                                      { name: `Delivery to ${name}` });

    await step(page, "an event's page, by a click", async () => {
        await go(page, "#/events");
        await page.getByLabel("Conversation").fill("215470686832743");
        await page.getByLabel("Conversation").press("Enter");
        await events(page).filter({ hasText: "msg_ok" })
            .getByRole("link", { name: "intercom.recorder.recorded" }).click();
        await heading(page, "intercom.recorder.recorded");
        await see(page.getByText("msg_ok", { exact: true }));
    });

    await step(page, "... its payload, pretty", async () => {
        const text = await page.getByRole("region", { name: "Payload",
            exact: true }).locator("pre").innerText();

        must(text, text.includes('\n    "conversationId": "215470686832743"'));
    });

    await step(page, "... raw, byte for byte, and copied", async () => {
        await page.getByRole("button", { name: "Raw" }).first().click();
        same("raw", await page.getByRole("region", { name: "Payload" })
            .locator("pre").textContent(), told.body);

        await page.getByRole("button", { name: "Copy" }).first().click();
        await see(page.getByRole("status").getByText(/copied/i));
        same("copied", await page.evaluate(() =>
            navigator.clipboard.readText()), told.body);
    });

    await step(page, "... its headers", async () => {
        const headers = page.getByRole("region", { name: "Headers" });

        await see(headers.getByText("svix-id"));
        await see(headers.getByText("msg_ok"));
    });

    await step(page, "... its links", async () => {
        const out = page.getByRole("link", { name: /^215470686832743/ });

        same("conversation", await out.getAttribute("href"),
             `${CONVERSATION}215470686832743`);
        must("no referrer", /noreferrer/.test(await out.getAttribute("rel")));
        same("recording", await page.getByRole("link", { name: /^jam-1/ })
            .getAttribute("href"), "https://jam.dev/r/rec_12345");
    });

    await step(page, "... each attempt: request, response, duration, trigger",
               async () => {
        await see(to("fin").getByText("Succeeded"));
        await to("fin").getByText("#1", { exact: true }).click();

        for (const text of ["Answered 200", "by schedule", /^\d+ ms$/,
            "webhook-signature", "idempotency-key", "Response 200",
            /"event": "intercom.recorder.recorded"/, /"ok": true/])
        {
            await see(to("fin").getByText(text));
        }
    });

    await step(page, "an event that waits says until when", async () => {
        await go(page, "#/events/msg_late");
        await see(to("crm").getByText("Pending"));
        await see(to("crm").getByText(/Next try in (4\d|5\d) min|1 h/));
        await see(to("crm").getByText("Answered 503"));
        await see(to("crm").getByText(/maintenance/));
    });

    await step(page, "one that failed for good says why", async () => {
        await go(page, "#/events/msg_lost");
        await see(to("fin").getByText("Failed", { exact: true }));
        await see(to("fin").getByText("Answered 404"));
        await see(to("fin").getByText(/"code": "not_found"/));
    });

    await step(page, "one that was forgotten has nothing left", async () => {
        await go(page, "#/events/msg_forgotten");
        await see(page.getByText("Forgotten"));
        await see(to("fin").getByText("Succeeded"));

        const text = await page.getByRole("main").innerText();

        must("nothing of it", !/forget1|jam-1|rec_12345/.test(text));
        same("no payload", await page.getByRole("region",
            { name: "Payload" }).count(), 0);
    });

    await step(page, "back and forth through the views", async () => {
        await go(page, "#/");
        await heading(page, /need a look/);
        await link(page, "Delivery log").click();
        await heading(page, "Delivery log");
        await rows(page, /^Attempts/).first().getByRole("link").first().click();
        await heading(page, /intercom/);
        await page.goBack();
        await heading(page, "Delivery log");
        await page.goBack();
        await heading(page, /need a look/);
        await page.goForward();
        await page.goForward();
        await heading(page, /intercom/);
    });

    await step(page, "the delivery log, filtered", async () => {
        await go(page, "#/attempts");
        await page.getByLabel("Result").selectOption("failed");
        await see(page.getByText("3 attempts, that is all"));
        await page.getByLabel("Endpoint").selectOption("fin");
        await see(page.getByText("1 attempt, that is all"));
        await see(rows(page, /^Attempts/).getByText("Answered 404"));
    });

    await step(page, "an endpoint's page: target, keys, types, log",
               async () => {
        await go(page, "#/endpoints/fin");
        await heading(page, "fin");

        const main = page.getByRole("main");

        for (const text of [/^http:\/\/127\.0\.0\.1(:\d+)?\/\.\.\.$/,
            "intercom.recorder.opted_out", /whsec/, /S1\.key/,
            "1 failed", /^\d+ succeeded$/])
        {
            await see(main.getByText(text));
        }

        must("no secret", !/9f3|workflows/.test(await main.innerText()));
        await see(rows(page, "Last attempts"));
    });
}

// What an event or a target says stays text.
async function hostile(page, step, told) {
    const nothing = async () => {
        const found = await page.evaluate(() => [
            ...document.querySelectorAll("script:not([src]), iframe, object,"
                + " [src*=evil], [href*='evil.example'], [srcdoc],"
                + " svg script, b, #app style"),
            ...[...document.querySelectorAll("*")].filter(e =>
                [...e.attributes].some(a => /^on/i.test(a.name))),
            ...[...document.querySelectorAll("a[href], form[action]")].filter(
                e => !["http:", "https:"].includes(e.protocol)),
            ...[...document.querySelectorAll("img, svg")].filter(e =>
                e.matches("img") && !/icon\.svg$/.test(e.src)),
        ].map(e => e.outerHTML.slice(0, 200)));

        must(found.join("\n"), found.length === 0);
    };

    for (const [name, at, text] of [
        ["events", "#/events", "msg_hostile"],
        ["an event", "#/events/msg_hostile", "<script>alert(1)</script>"],
        ["an answer", "#/events/msg_evil", "<body onload=alert(5)>"],
        ["the log", "#/attempts", "msg_hostile"]])
    {
        await step(page, `${name}: what is hostile is text`, async () => {
            await go(page, at);
            await see(page.getByRole("heading", { level: 1 }));

            // all that can be opened
            await until("open", async () => {
                const shut = page.locator("details:not([open]) > summary");

                if (await shut.count() > 0) {
                    await shut.first().click();
                    return false;
                }

                return (await page.getByRole("main").innerText())
                    .includes(text);
            });

            await nothing();
        });
    }

    await step(page, "only what is http or https is a link", async () => {
        await go(page, "#/events/msg_hostile");
        await see(page.getByRole("region", { name: "Payload" }));
        same("javascript", await page.getByRole("link", { name: /alert|java/ })
            .evaluateAll(all => all.map(a => a.href).filter(href =>
                !href.startsWith("https://app.intercom.com/a/inbox/acme/"))),
            []);

        await go(page, "#/events/msg_evil");
        await see(page.getByRole("region", { name: "Payload" }));

        const out = page.getByRole("link", { name: /script/ });

        must("quoted", /^https:\/\/jam\.dev\/r\/%22onmouse/.test(
            await out.first().getAttribute("href")));
    });

    await step(page, "no mark turns the text around it", async () => {
        await go(page, "#/events/msg_hostile");

        const text = page.getByRole("region", { name: "Payload" })
                         .locator("pre");

        await see(text);
        must("as an escape", (await text.innerText())
            .includes('": "\\u202efdp.exe"'));
    });

    await step(page, "figures and doubled members stay as they were sent",
               async () => {
        await go(page, "#/events/msg_numbers");

        const text = await page.getByRole("region", { name: "Payload",
            exact: true }).locator("pre").innerText();

        for (const part of ["12345678901234567890", "1.10", '"twice": 1',
                            '"twice": 2', "[[]]".slice(1, 3)])
        {
            must(`${part} in ${text}`, text.includes(part));
        }
    });

    await step(page, "a long answer is cut, and says so", async () => {
        await go(page, "#/events/msg_long");
        await page.getByRole("article", { name: "Delivery to fin" })
                  .getByText("#1", { exact: true }).click();
        await see(page.getByText("Only its beginning is kept"));
    });

    await step(page, "a long payload shows its beginning, then all",
               async () => {
        const payload = page.getByRole("region", { name: "Payload",
                                                   exact: true });
        const length = async () =>
            (await payload.locator("pre").textContent()).length;

        await see(payload.getByText(/The first 100,000 of 200,\d+ characters/));
        same("shown", await length(), 100000);
        await payload.getByRole("button", { name: "Show all" }).click();
        must("all of it", await length() > 200000);
        same("more", await payload.getByRole("button", { name: "Show all" })
            .count(), 0);
    });
}

async function looks(step, open) {
    for (const colorScheme of ["light", "dark"]) {
        const page = await open({ colorScheme });

        for (const [name, view] of Object.entries(VIEWS)) {
            await step(page, `${name}, ${colorScheme}: axe finds nothing`,
                       async () => {
                await page.setViewportSize(DESK);
                await go(page, view[0]);
                await see(mark(page, view));
                await axe(page);
                await fits(page);
            });

            await step(page, `${name}, ${colorScheme}: fits a phone`,
                       async () => {
                await page.setViewportSize(PHONE);
                await see(mark(page, view));
                await fits(page);
            });
        }

        await step(page, `overview, phone, ${colorScheme}: axe finds nothing`,
                   async () => {
            await go(page, "#/");
            await see(mark(page, VIEWS.overview));
            await axe(page);
        });

        await page.context().close();
    }
}

run(async ({ told, open, step, watch }) => {
    const page = await open({
        permissions: ["clipboard-read", "clipboard-write"] });

    await overview(page, step, open);
    await list(page, step, open, told);
    await event(page, step, open, told);
    await hostile(page, step, told);

    // an endpoint and an event that are not there are asked for below
    quiet(watch);
    await looks(step, open);
    quiet(watch, { refused: true });
});
