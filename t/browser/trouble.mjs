// From the first minute on, with a store and an nginx that do not work for a
// while; see t/75-browser/030-trouble.t.

import { ask, axe, fits, go, gone, must, quiet, run, same, see, until }
    from "./browser.mjs";

run(async ({ open, step, watch }) => {
    const page = await open();
    const heading = name => page.getByRole("heading", { level: 1, name });

    // A page asks every few seconds, and more rarely while it gets no answer.
    // Its clock is put forward until what is to be seen is seen, but not while
    // it waits for an answer.
    let asked = 0;

    page.on("request", () => asked++);
    page.on("requestfinished", () => asked--);
    page.on("requestfailed", () => asked--);
    await page.clock.install();

    async function later() {
        if (asked === 0) {
            await page.clock.fastForward(5000);
        }
    }

    const soon = (what, locator, there = true) => until(what, async () => {
        await later();
        return await locator.first().isVisible() === there;
    });

    await step(page, "nothing has come in yet, and what to do", async () => {
        await see(heading("Ready for the first event"));
        await see(page.getByText(/Point Jam at this nginx/));
        await axe(page);
        await page.setViewportSize({ width: 360, height: 740 });
        await fits(page);
        await page.setViewportSize({ width: 1280, height: 900 });
    });

    await step(page, "... in each list", async () => {
        await go(page, "#/events");
        await see(page.getByText("No event has come in yet"));
        await axe(page);
        await go(page, "#/attempts");
        await see(page.getByText("Nothing has been delivered yet"));
        await axe(page);
        await go(page, "#/endpoints/fin");
        await see(page.getByText("Nothing was sent to it yet").first());
        await axe(page);
        await go(page, "#/");
    });

    await step(page, "the first event, and all is well", async () => {
        same("sent", await ask("send", { id: "msg_1", conversation: "1" }),
             200);
        await soon("well", heading(/^All is well/));
        await see(page.getByRole("img", { name: /2 succeeded, 0 failed/ }));
        await axe(page);
    });

    await step(page, "a store in trouble: what is wrong, and what to do",
               async () => {
        await ask("break");
        same("refused", await ask("send", { id: "msg_2", conversation: "2" }),
             503);

        const alert = page.getByRole("alert");

        await soon("an alert", alert.getByText(/The store is in trouble/));
        await see(alert.getByText(/full|space/));
        await see(alert.getByText(/make room/i));
        await see(heading(/store is in trouble|need a look/));
        await axe(page);
    });

    await step(page, "... the views go on, and say that they are not current",
               async () => {
        for (const [at, name] of [["#/events", "Events"],
            ["#/events/msg_1", /recorded|Event/], ["#/endpoints/fin", "fin"],
            ["#/attempts", "Delivery log"]])
        {
            await go(page, at);
            await see(heading(name));
            await see(page.getByRole("alert").getByText(/store is in trouble/));
            same("no answer", await page.getByText(/No answer/).count(), 0);
            await axe(page);
        }
    });

    await step(page, "... and an action is refused with the reason",
               async () => {
        await go(page, "#/endpoints/fin");
        await page.getByRole("button", { name: "Pause…" }).click();

        const dialog = page.getByRole("dialog");

        await dialog.getByRole("button", { name: "Pause" }).click();
        await see(dialog.getByRole("status").getByText(/store/i));
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await gone(dialog);
    });

    await step(page, "... and one who comes now is told the same", async () => {
        const other = await open({ at: "#/events" });

        await see(other.getByRole("alert").getByText(/store is in trouble/));
        await axe(other);
        await other.context().close();
    });

    await step(page, "the store works again", async () => {
        await go(page, "#/");
        await ask("mend");
        await until("taken", async () => await ask("send",
            { id: "msg_2", conversation: "2" }) === 200);
        await soon("no alert", page.getByRole("alert"), false);
        await soon("both", page.getByRole("img", { name: /4 succeeded, 0/ }));

        // when they came is kept in whole seconds
        let n = 2;

        await until("well", async () => {
            await ask("send", { id: `msg_${++n}`, conversation: "3" });
            await later();
            return heading(/^All is well/).isVisible();
        });
    });

    await step(page, "nginx is gone: said, and what was known stays",
               async () => {
        await ask("stop");
        await soon("an alert", page.getByRole("alert")
            .getByText(/No answer from nginx/));
        await see(heading("Whether all is well is not known"));
        await see(page.getByRole("img", { name: /\d succeeded, 0/ }));
        await axe(page);
    });

    await step(page, "... and back", async () => {
        await ask("start");
        await soon("no alert", page.getByRole("alert"), false);
    });

    await step(page, "an endpoint that is configured no longer", async () => {
        same("dropped", await ask("drop"), 1);
        await soon("said", page.getByText(/Endpoint crm is not configured/));
        await see(page.getByText(/when the name is back in nginx.conf/));
        await page.getByRole("link", { name: "crm", exact: true }).click();
        await see(heading("crm"));
        await see(page.getByText("1 paused"));
        same("what can be done", await page.getByRole("button",
            { name: /Pause|Resume|Send a test|Recover/ }).count(), 0);
        await axe(page);
    });

    // refused connections are errors to the browser, and that is what they are
    watch.said = watch.said.filter(
        text => !/ERR_CONNECTION_REFUSED/.test(text));
    quiet(watch, { refused: true });
});
