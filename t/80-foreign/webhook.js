// webhook.js: signs and verifies with the package "standardwebhooks". Reads one
// JSON object, writes one.
//   {"do": "sign", "key", "id", "timestamp", "body"}      {"signature"}
//   {"do": "verify", "key", "headers", "body"}            {"ok"} or {"error"}

const { readFileSync } = require("fs");
const { Webhook } = require("standardwebhooks");

const ask = JSON.parse(readFileSync(0, "utf8"));
const webhook = new Webhook(ask.key);
let answer;

if (ask.do === "sign") {
    const at = new Date(ask.timestamp * 1000);
    answer = { signature: webhook.sign(ask.id, at, ask.body) };

} else {
    try {
        webhook.verify(ask.body, ask.headers);
        answer = { ok: true };

    } catch (e) {
        answer = { error: String(e.message) };
    }
}

process.stdout.write(JSON.stringify(answer));
