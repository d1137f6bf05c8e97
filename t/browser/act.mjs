// Each action and what is seen of it; see t/75-browser/020-act.t.

import { ask, axe, fits, go, gone, must, quiet, run, same, see, until }
    from "./browser.mjs";

const said = (page, text) => see(page.getByRole("status").getByText(text));
const button = (page, name) => page.getByRole("button", { name, exact: true });
const to = (page, name) => page.getByRole("article",
                                          { name: `Delivery to ${name}` });

async function replay(page, step) {
    await step(page, "one delivery is replayed, and fails again; a double click"
                     + " is one", async () => {
        await go(page, "#/events/msg_gone1");
        await button(page, "Replay to fin").dblclick();
        await said(page, "1 delivery will be sent again now");
        await see(to(page, "fin").getByText("#2", { exact: true }));
        await see(to(page, "fin").getByText("by hand"));
        await see(to(page, "fin").getByText("2 attempts, 1 replay"));
        same("to audit", await to(page, "audit").getByText("#2").count(), 0);
    });

    await step(page, "a test shows what the target says", async () => {
        await go(page, "#/endpoints/fin");
        await button(page, "Send a test…").click();

        const dialog = page.getByRole("dialog", { name: "Send a test to fin" });

        // one of theirs, or Intercom will not know it
        await dialog.getByRole("button", { name: "Send" }).click();
        must("it is asked for", await dialog.getByLabel("Conversation")
            .evaluate(e => e.matches(":focus:invalid")));
        await dialog.getByLabel("Conversation").fill("sick9");
        await dialog.getByRole("button", { name: "Send" }).click();
        await see(dialog.getByText("Answered 404"));
        await see(dialog.getByText(/the flow is closed/));
        await axe(page);
        await dialog.getByRole("button", { name: "Close" }).click();
        await gone(dialog);
        must("the focus is back", await button(page, "Send a test…")
            .evaluate(e => e === document.activeElement));
    });

    await ask("mend");

    await step(page, "all deliveries of an event are replayed, and succeed",
               async () => {
        await go(page, "#/events/msg_gone1");
        await button(page, "Replay all").click();
        await said(page, "2 deliveries will be sent again now");
        await see(to(page, "fin").getByText("Succeeded"));
        await see(to(page, "fin").getByText("#3", { exact: true }));
        await see(to(page, "audit").getByText("#2", { exact: true }));
    });

    await step(page, "a test that succeeds", async () => {
        await go(page, "#/endpoints/crm");
        await button(page, "Send a test…").click();

        const dialog = page.getByRole("dialog");

        await dialog.getByRole("button", { name: "Send" }).click();
        await see(dialog.getByText("Answered 200"));
        await see(dialog.getByText(/it works/));
        await see(dialog.getByText("Test", { exact: true }));
        await page.keyboard.press("Escape");
        await gone(dialog);
    });
}

async function recover(page, step) {
    const dialog = page.getByRole("dialog", { name: "Recover fin" });

    await step(page, "recover: nothing since then", async () => {
        await go(page, "#/endpoints/fin");
        await see(page.getByText("5 failed"));
        await button(page, "Recover…").click();
        await dialog.getByLabel("Events since").fill("2040-01-01T00:00");
        await axe(page);

        // what is asked for stays while the view behind is refreshed
        await page.waitForResponse(/api\/endpoints\/fin/);
        await page.waitForResponse(/api\/status/);
        same("since", await dialog.getByLabel("Events since").inputValue(),
             "2040-01-01T00:00");
        await dialog.getByRole("button", { name: "Send again" }).click();
        await said(page, "There was nothing to send again");
        await see(page.getByText("5 failed"));
    });

    await step(page, "recover: all that failed", async () => {
        await button(page, "Recover…").click();
        await dialog.getByLabel("Events since").fill("2020-01-01T00:00");
        await dialog.getByRole("button", { name: "Send again" }).click();
        await said(page, "5 deliveries will be sent again now");
        await see(page.getByText("0 failed"));
        await until("they came", async () =>
            await ask("came", { path: "sick" }) >= 7);
    });

    await step(page, "recover: what waits for its next try", async () => {
        await go(page, "#/endpoints/crm");
        await see(page.getByText("1 pending"));
        await button(page, "Recover…").click();
        await page.getByRole("dialog").getByRole("button",
            { name: "Send again" }).click();
        await said(page, "1 delivery will be sent again now");
        await see(page.getByText("1 succeeded"));
    });
}

async function hold(page, step) {
    await step(page, "an endpoint is paused, once that is confirmed",
               async () => {
        const dialog = page.getByRole("dialog", { name: "Pause audit?" });

        await go(page, "#/endpoints/audit");
        await button(page, "Pause…").click();
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await gone(dialog);
        await button(page, "Pause…").click();
        await dialog.getByRole("button", { name: "Pause" }).click();
        await said(page, "audit is paused");
        await see(page.getByText(/Paused by hand/));
    });

    await step(page, "... holds what comes in", async () => {
        await ask("send", { id: "msg_held", conversation: "held1" });
        await go(page, "#/events/msg_held");
        await see(to(page, "audit").getByText("Paused", { exact: true }));
        await see(to(page, "audit").getByText("No attempt yet"));
        await see(to(page, "fin").getByText("Succeeded"));
        same("came", await ask("came", { path: "^/fin.*held1" }), 0);
    });

    await step(page, "... which can be found", async () => {
        await go(page, "#/events");
        await page.getByLabel("With a delivery").selectOption("paused");
        await see(page.getByText("1 event, that is all"));
        await see(page.getByText("msg_held"));
    });

    await step(page, "... and the overview says so", async () => {
        await go(page, "#/");
        await see(page.getByText(/Endpoint audit is paused/));
    });

    await step(page, "... until it is resumed", async () => {
        await go(page, "#/endpoints/audit");
        await button(page, "Resume").click();
        await said(page, "audit goes on");
        await see(page.getByText("Active"));
        await go(page, "#/events/msg_held");
        await see(to(page, "audit").getByText("Succeeded"));
    });

    await step(page, "what becomes of the overview is read out", async () => {
        const call = what => page.evaluate(async path =>
            (await fetch(path, { method: "POST", headers:
                { "X-Jamhook-Request": "1" } })).status,
            `api/endpoints/audit/${what}`);

        const words = page.getByRole("main").getByRole("status")
                          .filter({ hasText: /need a look/ });

        await go(page, "#/");
        await see(page.getByRole("heading", { level: 1, name: /need a look/ }));
        await see(words);

        const before = await words.innerText();

        same("paused", await call("pause"), 200);
        await until("other words", async () =>
            await words.innerText() !== before);
        same("resumed", await call("resume"), 200);
        await until("the words of before", async () =>
            await words.innerText() === before);
    });

    await step(page, "one that was gone is resumed", async () => {
        await go(page, "#/endpoints/legacy");
        await see(page.getByText(/410 Gone/));
        await button(page, "Resume").click();
        await said(page, "legacy goes on");
        await gone(page.getByText(/410 Gone/));
    });
}

async function forget(page, step) {
    const dialog = page.getByRole("dialog", { name: "Forget this event?" });

    await step(page, "an event is forgotten, once that is confirmed",
               async () => {
        const payload = page.getByRole("region", { name: "Payload" });

        await go(page, "#/events/msg_customer");
        await see(payload.getByText(/jane-doe/));
        await button(page, "Forget…").click();
        await see(dialog);
        await page.keyboard.press("Escape");
        await gone(dialog);
        await see(payload.getByText(/jane-doe/));
        await button(page, "Forget…").click();
        await see(dialog);
        await axe(page);
        await dialog.getByRole("button", { name: "Forget it" }).click();
        await said(page, "Forgotten");
        await see(page.getByText(/were removed/));
        same("left", await page.getByText(/jane-doe/).count(), 0);
    });

    await step(page, "... and gone from the list", async () => {
        await go(page, "#/events");

        const row = page.getByRole("row").filter({ hasText: "msg_customer" });

        await see(row.getByText("Forgotten"));
        same("left", await page.getByText("jane-doe").count(), 0);
    });

    await step(page, "... and cannot be replayed", async () => {
        await go(page, "#/events/msg_customer");
        await see(page.getByText(/were removed/));
        same("buttons", await page.getByRole("button", { name: /Replay/ })
            .count(), 0);
    });
}

// By Tab and Enter, as far as it takes.
async function reach(page, name) {
    for (let i = 0; i < 40; i++) {
        await page.keyboard.press("Tab");

        const [text, ring] = await page.evaluate(() => {
            const e = document.activeElement;
            const style = getComputedStyle(e);

            // the page's end, from which it begins anew
            if (e === document.body) {
                return ["", true];
            }

            // a field for a time has parts, and the browser rings those
            return [e.getAttribute("aria-label") ?? e.textContent.trim(),
                    style.outlineStyle !== "none" &&
                    parseFloat(style.outlineWidth) > 0 ||
                    style.boxShadow !== "none" ||
                    e.type === "datetime-local"];
        });

        must(`"${text}" shows that it has the focus`, ring);

        if (text === name) {
            return;
        }
    }

    throw new Error(`no "${name}" is reached`);
}

async function keyboard(page, step) {
    await step(page, "keyboard: the menu can be skipped", async () => {
        await reach(page, "Skip to content");
        await page.keyboard.press("Enter");
        must("in main", await page.evaluate(() =>
            document.activeElement.closest("main") !== null));
    });

    await step(page, "keyboard: from the list to a replay", async () => {
        await reach(page, "intercom.recorder.recorded");
        await page.keyboard.press("Enter");
        await see(page.getByRole("heading", { level: 1, name: /recorded/ }));
        must("the heading has the focus", await page.evaluate(() =>
            document.activeElement.tagName === "H1"));
        await reach(page, "Replay to fin");
        await page.keyboard.press("Enter");
        await said(page, "1 delivery will be sent again now");
        await see(to(page, "fin").getByText("by hand"));
    });

    await step(page, "keyboard: a question holds the focus", async () => {
        await reach(page, "Forget…");
        await page.keyboard.press("Enter");
        await see(page.getByRole("dialog"));

        for (let i = 0; i < 6; i++) {
            await page.keyboard.press("Tab");
            must("not behind it", await page.evaluate(() =>
                document.activeElement === document.body ||
                document.activeElement.closest("dialog") !== null));
        }

        await page.keyboard.press("Escape");
        await gone(page.getByRole("dialog"));
    });
}

run(async ({ open, step, watch }) => {
    const page = await open();

    await replay(page, step);
    await recover(page, step);
    await hold(page, step);
    await forget(page, step);

    const keys = await open({ at: "#/events?conversation_id=keys1" });

    await see(keys.getByText("msg_keys"));
    await keyboard(keys, step);

    await step(page, "on a phone: a replay, and questions that fit",
               async () => {
        const phone = await open({ at: "#/events/msg_keys", isMobile: true,
            hasTouch: true, viewport: { width: 360, height: 740 } });

        await button(phone, "Replay to audit").tap();
        await said(phone, "1 delivery will be sent again now");
        await fits(phone);
        await button(phone, "Forget…").tap();
        await see(phone.getByRole("dialog"));
        await fits(phone);
        await go(phone, "#/endpoints/fin");
        await button(phone, "Send a test…").tap();
        await phone.getByLabel("Conversation").fill("9");
        await phone.getByRole("dialog").getByRole("button", { name: "Send" })
                   .tap();
        await see(phone.getByRole("dialog").getByText("Answered 200"));
        await fits(phone);
        await phone.context().close();
    });

    quiet(watch);

    // who is asked for a password and has none that holds
    const agent = await open({ portal: "/agents/", at: "#/events/msg_keys",
        httpCredentials: { username: "agent", password: "please" } });

    await step(agent, "an agent reads", () =>
        see(agent.getByRole("region", { name: "Payload" })));

    await step(agent, "... and is told that acting needs a sign-in",
               async () => {
        await button(agent, "Replay to fin").click();
        await said(agent, "You are not signed in");
    });

    const admin = await open({ portal: "/agents/", at: "#/events/msg_keys",
        httpCredentials: { username: "admin", password: "let me in" } });

    await step(admin, "an admin acts there", async () => {
        await button(admin, "Replay to fin").click();
        await said(admin, "1 delivery will be sent again now");
    });

    const reader = await open({ portal: "/readers/", at: "#/events/msg_keys" });

    await step(reader, "where nobody may act: told", async () => {
        await button(reader, "Replay all").click();
        await said(reader, "You may look here, but not act");
    });

    await step(reader, "... in a question too, which stays", async () => {
        await go(reader, "#/endpoints/fin");
        await button(reader, "Pause…").click();

        const dialog = reader.getByRole("dialog");

        await dialog.getByRole("button", { name: "Pause" }).click();
        await see(dialog.getByText(/You may look here, but not act/));
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await see(reader.getByText("Active"));
    });

    quiet(watch, { refused: true });
});
