// SPDX-License-Identifier: GPL-3.0-or-later
// Who is kept out of a running editor: pages of other sites in the same browser, another user of the machine, and what
// a hostile peer that was let in cannot do (docs/threat-model.md, "The collaborative editor").
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { converge, homeOf, open, run, scratch, start, textOf, tubeProgram, type, until, watch } from "./browser_harness.mjs";
import { knockAtSocket } from "./frames.mjs";

const kSecret = "the secret plan";

/** What a page of another origin tries against the editor at `target`, and what came of it; runs in the browser. */
async function attack(target) {
  const outcome = {};
  const attempt = async (name, work) => { outcome[name] = await work().catch((error) => `failed: ${error.name}`); };
  await attempt("read", async () => (await fetch(target, { credentials: "include" })).text());
  await attempt("session", async () => (await fetch(`${target}session`, { method: "POST", body: "x", credentials: "include" })).text());
  await attempt("blind", async () => (await fetch(target, { mode: "no-cors", credentials: "include" })).type);
  await attempt("socket", () => new Promise((resolve) => {
    const socket = new WebSocket(`${target.replace("http", "ws")}socket`);
    socket.onopen = () => resolve("open");
    socket.onmessage = () => resolve("message");
    socket.onerror = () => resolve("refused");
  }));
  await attempt("script", () => new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `${target}page.js`;
    script.onload = () => resolve("ran");
    script.onerror = () => resolve("refused");
    document.head.append(script);
  }));
  await attempt("frame", () => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.src = target;
    frame.onload = () => { try { resolve(frame.contentDocument?.body.innerText ?? "closed"); } catch { resolve("closed"); } };
    document.body.append(frame);
  }));
  return outcome;
}

/** A page on another port of this machine, in Alice's own browser: to browsers the same site, with the same cookies. */
async function keepOutOtherPages(alice, url) {
  const { port } = new URL(url), target = `http://127.0.0.1:${port}/`;
  const cookies = [];
  const server = createServer((incoming, reply) => {
    cookies.push(incoming.headers.cookie ?? "");
    reply.setHeader("Content-Type", "text/html");
    reply.end("<title>other</title><body>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const other = await alice.context().newPage();
  await other.goto(`http://127.0.0.1:${server.address().port}/`);
  const outcome = await other.evaluate(attack, target);
  assert.match(outcome.read, /^failed/);
  assert.match(outcome.session, /^failed/);
  assert.match(outcome.blind, /^failed/, "Cross-Origin-Resource-Policy");
  assert.equal(outcome.socket, "refused");
  assert.equal(outcome.script, "refused");
  assert.ok(["closed", ""].includes(outcome.frame), `frame-ancestors: ${outcome.frame}`);
  console.log("ok a page of another origin reads, writes, embeds and frames nothing");

  // The cookie is shown to every port of a host, so another user's server can learn it; it opens nothing by itself.
  const stolen = cookies.find((each) => each.includes(`editor-${port}=`));
  assert.ok(stolen, "this is what the proof on the socket is for");
  for (const words of ["", `token ${"0".repeat(64)}`, `key ${"0".repeat(64)} ${"0".repeat(64)}`]) {
    const heard = await knockAtSocket(port, stolen, () => Buffer.concat([Buffer.from([24]), Buffer.from(words)]));
    assert.deepEqual(heard.slice(1), ["closed 1008"], words);
  }
  const heard = await knockAtSocket(port, stolen, () => Buffer.concat([Buffer.from([2]), Buffer.from("an update")]));
  assert.deepEqual(heard.slice(1), ["closed 1008"], "an edit before the proof");
  console.log("ok a stolen cookie opens nothing");
  server.close();
  await other.close();
}

/** The name of another site that leads to this machine (DNS rebinding), in a browser that believes it. */
async function keepOutRebinding(browser, url) {
  const { port } = new URL(url);
  const page = await (await browser.newContext()).newPage();
  const reply = await page.goto(`http://rebound.test:${port}/`);
  assert.equal(reply.status(), 421);
  assert.equal(await page.evaluate(() => fetch("/session", { method: "POST", body: "x" }).then((got) => got.status)), 421);
  console.log("ok another site's name for this machine is turned away");
}

/** Another user of this machine, with curl and at the files. */
function keepOutOtherUsers(url, state) {
  const { port, hash } = new URL(url), target = `http://127.0.0.1:${port}`;
  const as = (...command) => execFileSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", ...command],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const status = (...options) => as("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", ...options);
  const upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
    "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "-H", `Origin: ${target}`];
  assert.equal(status(...upgrade, `${target}/socket`), "403");
  assert.equal(status(...upgrade, "-H", `Cookie: editor-${port}=${"0".repeat(64)}`, `${target}/socket`), "403");
  assert.equal(status("-X", "POST", "-H", `Origin: ${target}`, "-d", "guess", `${target}/session`), "403");
  const told = as("curl", "-s", "-i", `${target}/`);
  assert.ok(!told.includes(kSecret) && !told.includes(hash.slice(1)), "the page's files hold no secret");
  for (const name of readdirSync(state)) {
    assert.throws(() => as("cat", join(state, name)), /Permission denied/, name);
  }
  assert.equal(statSync(join(state, "page")).mode & 0o777, 0o600);
  console.log("ok another user gets no socket, no session and no file");
}

/** Somebody with a tube to Alice's document who does not run our program. */
async function openTube(service) {
  const probe = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.on("listening", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const child = watch(spawn(tubeProgram, ["connect", service, "--listen", `127.0.0.1:${port}`],
    { env: homeOf("home"), stdio: ["ignore", "pipe", "pipe"] }));
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (data) => { said += data; });
  await until("the tube", () => / is at /.test(said));
  return port;
}

const message = (kind, body = "") => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(body) + 1);
  head[4] = kind;
  return Buffer.concat([head, Buffer.from(body)]);
};

/** Sends these bytes; resolves with whether the editor ended the stream. */
function send(port, bytes, { patience = 3000 } = {}) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const timer = setTimeout(() => { socket.destroy(); resolve(false); }, patience);
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => { clearTimeout(timer); resolve(true); });
  });
}

async function endureHostilePeer(alice, bob, share) {
  const port = await openTube("org.tubes.editor.plan");
  const hello = message(1, "\x01");
  const oversize = Buffer.from([0xff, 0xff, 0xff, 0xff, 2]);
  const refused = { "no hello": message(2, "x"), "another version": message(1, "\x63"), oversize: Buffer.concat([hello, oversize]),
    "awareness over its limit": Buffer.concat([hello, message(4, Buffer.alloc(70000))]),
    "a save": Buffer.concat([hello, message(18, "\0\0\0\0gone")]), "an unknown type": Buffer.concat([hello, message(99, "x")]),
    "an answer in the user's place": Buffer.concat([hello, message(21, "+1")]), noise: Buffer.alloc(4096, 7) };
  for (const [what, bytes] of Object.entries(refused)) assert.ok(await send(port, bytes), `the stream ends after ${what}`);
  console.log("ok what is malformed, oversize or not a peer's to say ends the stream");

  const junk = [message(2, "\xff\xff\xff\xff"), message(2, ""), message(4, "\xff\xff"), message(5, "{"), message(5, '{"name":{},"text":[1]}')];
  await send(port, Buffer.concat([hello, ...junk]), { patience: 500 });
  const flood = Buffer.concat([hello, ...Array.from({ length: 20000 }, (_, i) => message(5, `{"name":"f","text":"${i}"}`)),
    ...Array.from({ length: 2000 }, (_, i) => message(2, `junk ${i} ${"x".repeat(200)}`))]);
  await send(port, flood, { patience: 2000 });
  await type(alice, "\nStill here.");
  await converge([alice, bob], [kSecret, "Still here."]);
  assert.ok(await alice.locator("#chat p").count() <= 500, "chat is kept in bounds");
  assert.equal(share.child.exitCode, null);
  console.log("ok updates that cannot be read and a flood leave document, page and program alive");

  await alice.reload();
  await converge([alice, bob], [kSecret, "Still here."]);
  await type(alice, "\nAfter loading again.");
  await converge([alice, bob], ["After loading again."]);
  console.log("ok a log with junk in it still opens");
}

/** Whatever a peer writes, the preview fetches nothing and runs nothing. */
async function renderHostileMarkdown(alice, bob) {
  const fetched = [];
  const server = createServer((incoming, reply) => { fetched.push(incoming.url); reply.end(); });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const trap = `http://127.0.0.1:${server.address().port}`;
  alice.on("dialog", (dialog) => { fetched.push(dialog.message()); dialog.dismiss(); });
  await type(bob, `\n\n![i](${trap}/image) <img src=${trap}/html onerror=alert(1)> <script>alert(2)</script> `
    + `[x](javascript:alert(3)) <svg onload=alert(4)> <style>@import "${trap}/style"</style> `
    + "[d](data:text/html,<script>alert(5)</script>) marker-end");
  await alice.click("#show-preview");
  await until("preview", async () => (await alice.textContent("#preview")).includes("marker-end"));
  assert.equal(await alice.locator("#preview img, #preview script, #preview svg, #preview style, #preview iframe").count(), 0);
  for (const link of await alice.locator("#preview a").all()) {
    assert.doesNotMatch(await link.getAttribute("href") ?? "", /^(javascript|data):/i);
  }
  assert.deepEqual(fetched, []);
  server.close();
  console.log("ok hostile Markdown runs nothing and fetches nothing");
}

run(async (browser) => {
  const file = join(scratch, "plan.md");
  writeFileSync(file, `# ${kSecret}\n`);
  chmodSync(scratch, 0o755);  // so that only the program's own care protects its folder
  const state = join(scratch, "state");
  const share = await start([file, "--share", "--state", state]);
  const alice = await open(share.url, "Alice");
  const bob = await open((await start(["--join", "plan", "--state", join(scratch, "bob")])).url, "Bob");
  await converge([alice, bob], [kSecret]);
  await keepOutOtherPages(alice, share.url);
  await keepOutRebinding(browser, share.url);
  if (process.getuid() === 0) keepOutOtherUsers(share.url, state);
  else console.log("left out: another user (needs root)");
  await renderHostileMarkdown(alice, bob);
  await endureHostilePeer(alice, bob, share);
  assert.ok((await textOf(alice)).startsWith(`# ${kSecret}`));
});
