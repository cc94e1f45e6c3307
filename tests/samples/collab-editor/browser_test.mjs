// SPDX-License-Identifier: GPL-3.0-or-later
// The editor as its users have it: several programs, each with its page in a real browser, tubes between them.
// browser_test.mjs EDITOR FOLDER-WITH-NODE_MODULES SCREENS
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, packages, screens] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const scratch = mkdtempSync(join(tmpdir(), "editor-browser-"));
mkdirSync(join(scratch, "home", "run"), { recursive: true, mode: 0o700 });
mkdirSync(screens, { recursive: true });
const environment = { ...process.env, HOME: join(scratch, "home"), TUBES_HOME: join(scratch, "home"),
  XDG_RUNTIME_DIR: join(scratch, "home", "run") };
delete environment.TUBES_PROFILE;
const running = new Set();

/** Starts an editor; resolves with its URL. */
function start(...args) {
  const child = spawn(program, [...args, "--no-open"], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (data) => {
      const url = /^Open (\S+)$/m.exec(output += data)?.[1];
      if (url) resolve({ child, url });
    });
    child.on("exit", () => reject(new Error(`the editor ended: ${output}`)));
  });
}

function kill(editor) {
  return new Promise((resolve) => { editor.child.on("exit", resolve); editor.child.kill("SIGKILL"); });
}

async function until(what, condition, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const textOf = (page) => page.evaluate(() => document.querySelector(".cm-content").cmTile?.view.state.doc.toString() ??
  document.querySelector(".cm-content").cmView?.view.state.doc.toString());
async function open(browser, url, name) {
  const context = await browser.newContext({ viewport: { width: 760, height: 560 } });
  const page = await context.newPage();
  page.failures = [];
  page.on("pageerror", (error) => page.failures.push(error.message));
  page.on("console", (line) => { if (line.type() === "error") page.failures.push(line.text()); });
  await page.goto(url);
  await page.waitForSelector(".cm-content");
  await page.evaluate((value) => {
    const field = document.getElementById("name");
    field.value = value;
    field.dispatchEvent(new Event("change"));
  }, name);
  return page;
}
async function type(page, words, key = "Control+End") {
  await page.focus(".cm-content");
  await page.keyboard.press(key);
  await page.keyboard.type(words);
}
async function converge(pages, contains) {
  return until(`${contains.join()} on all screens`, async () => {
    const texts = await Promise.all(pages.map(textOf));
    return texts.every((text) => text === texts[0]) && contains.every((part) => texts[0].includes(part)) && texts[0];
  });
}

/** One raw request; resolves with its status. */
function knock(url, headers, method = "GET", body = "") {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, method, headers, path: headers.Path ?? "/" }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    call.on("upgrade", (reply, socket) => { socket.destroy(); resolve(101); });
    call.on("error", reject);
    call.end(body);
  });
}

async function refuseStrangers(url) {
  const host = new URL(url).host, origin = `http://${host}`;
  const socket = { Path: "/socket", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  assert.equal(await knock(url, { Host: "evil.example" }), 421, "DNS rebinding");
  assert.equal(await knock(url, { Host: host, ...socket, Origin: origin }), 403, "no session");
  assert.equal(await knock(url, { Host: host, ...socket, Origin: "http://evil.example" }), 403, "another page");
  assert.equal(await knock(url, { Host: host, Origin: origin, Path: "/session" }, "POST", "guess"), 403);
  const token = new URL(url).hash.slice(1);
  assert.equal(await knock(url, { Host: host, Origin: "http://evil.example", Path: "/session" }, "POST", token), 403);
  assert.equal(await knock(url, { Host: host, Path: "/../log" }), 404);
}

async function main(browser) {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n");
  const share = await start(file, "--share");
  await refuseStrangers(share.url);
  const alice = await open(browser, share.url, "Alice");
  await converge([alice], ["# Notes"]);
  const join1 = await start("--join", "notes", "--state", join(scratch, "bob"));
  const bob = await open(browser, join1.url, "Bob");
  await converge([alice, bob], ["# Notes"]);
  console.log("ok the second sees the document");

  await Promise.all([type(alice, "\nAlice writes this line."), type(bob, "Bob's title: ", "Control+Home")]);
  await converge([alice, bob], ["Alice writes this line.", "Bob's title: "]);
  console.log("ok both type at once");
  await until("names", () => alice.locator("#people li", { hasText: "Bob" }).count());
  await until("the other's cursor", () => alice.locator(".cm-ySelectionInfo", { hasText: "Bob" }).count());
  await until("words about the connection", async () => /on this machine/.test(await bob.textContent("#state")));

  for (let i = 0; i < 30; ++i) await bob.keyboard.press("Control+z");
  const undone = await converge([alice, bob], ["Alice writes this line."]);
  assert.ok(!undone.includes("Bob's title"), "undo takes back Bob's own words only");
  console.log("ok undo");

  await until("saved", () => readFileSync(file, "utf8").includes("Alice writes this line."));
  writeFileSync(file, readFileSync(file, "utf8").replace("# Notes", "# Notes of today"));
  await type(bob, "\nBob goes on.");
  await converge([alice, bob], ["# Notes of today", "Bob goes on."]);
  await until("both in the file", () => /of today[^]*Bob goes on/.test(readFileSync(file, "utf8")));
  assert.equal((await textOf(alice)).split("of today").length, 2, "merged once");
  console.log("ok a change on disk is merged");

  await kill(join1);
  await until("reconnecting", async () => /your edits are kept/.test(await bob.textContent("#state")));
  await type(bob, "\nTyped offline.");
  await type(alice, "Meanwhile: ", "Control+Home");
  await kill(share);
  const share2 = await start(file, "--share");
  const alice2 = await open(browser, share2.url, "Alice");
  const join2 = await start("--join", "notes", "--state", join(scratch, "bob"));
  const bob2 = await open(browser, join2.url, "Bob");
  await converge([alice2, bob2], ["Meanwhile: ", "Bob goes on."]);
  console.log("ok both killed with -9 and back");

  // The programs got new ports: what was typed offline needs the port that the page knows. Cut the tube instead.
  await bob.close();
  await alice.close();
  await kill(share2);
  await until("the hub is gone", async () => !/on this machine/.test(await bob2.textContent("#state")));
  await type(bob2, "\nTyped while the tube was cut.");
  const share3 = await start(file, "--share");
  const alice3 = await open(browser, share3.url, "Alice");
  await converge([alice3, bob2], ["Typed while the tube was cut."]);
  console.log("ok edits made during a cut arrive");

  const more = [];
  for (const name of ["Carol", "Dave", "Erin"]) {
    const editor = await start("--join", "notes", "--state", join(scratch, name));
    more.push(await open(browser, editor.url, name));
  }
  const all = [alice3, bob2, ...more];
  await converge(all, ["Typed while the tube was cut."]);
  await Promise.all(all.map((page, i) => type(page, `\nLine of person ${i}, typed at the same time.`)));
  await converge(all, []);
  await until("five names", async () => await alice3.locator("#people li").count() >= 5);
  console.log("ok five people");

  const hostile = "\n\n[x](javascript:alert(1)) <img src=http://127.0.0.1:1/x onerror=alert(1)> ![i](http://127.0.0.1:1/y)";
  await type(bob2, hostile);
  await alice3.click("#show-preview");
  await until("preview", async () => (await alice3.textContent("#preview")).includes("Typed while"));
  assert.equal(await alice3.locator("#preview img, #preview script, #preview a[href^=javascript]").count(), 0);
  await alice3.click("#show-side");
  await bob2.click("#show-side");
  await bob2.fill("#words", "<b>hello</b>");
  await bob2.press("#words", "Enter");
  await until("chat", async () => (await alice3.textContent("#chat")).includes("Bob: <b>hello</b>"));
  for (const [name, scheme] of [["light", "light"], ["dark", "dark"]]) {
    await alice3.emulateMedia({ colorScheme: scheme });
    await alice3.screenshot({ path: join(screens, `${name}.png`) });
    await alice3.evaluate(axe);
    const { violations } = await alice3.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`), [], `axe, ${scheme}`);
  }
  await bob2.setViewportSize({ width: 390, height: 700 });
  await bob2.screenshot({ path: join(screens, "phone.png") });
  console.log("ok hostile Markdown and chat, axe clean");

  await alice3.evaluate(() => {
    const view = document.querySelector(".cm-content").cmTile?.view ?? document.querySelector(".cm-content").cmView.view;
    view.dispatch({ changes: { from: view.state.doc.length, insert: `\n${"All work and no play. ".repeat(47663)}` } });
    for (let i = 0; i < 10000; ++i) view.dispatch({ changes: { from: i % 100, insert: "e" } });
  });
  await until("1 MB and 10 000 edits", async () => {
    const [one, other] = [await textOf(alice3), await textOf(bob2)];
    return one.length > 1.05e6 && one === other;
  }, 60);
  console.log("ok 1 MB document, 10 000 fast edits");
  for (const page of all) assert.deepEqual(page.failures.filter((line) => !/WebSocket|ERR_CONNECTION/.test(line)), []);
}

if (!existsSync("/usr/bin/chromium")) {
  console.log("chromium is missing: scripts/setup test");
  process.exit(process.env.CI === "true" ? 1 : 0);
}
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox",
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"] });
try {
  await main(browser);
} finally {
  await browser.close();
  for (const child of running) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
}
