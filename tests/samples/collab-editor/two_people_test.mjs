// SPDX-License-Identifier: GPL-3.0-or-later
// Two people at one document, in programs of one user on one machine, without any account; and who is kept out.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { converge, expectAccessible, open, run, scratch, shoot, start, textOf, type, until } from "./browser_harness.mjs";

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

/** What another local user, or a page of another site in this user's browser, can try. */
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

async function typeTogether(alice, bob) {
  await Promise.all([type(alice, "\nAlice writes this line."), type(bob, "Bob's title: ", "Control+Home")]);
  await converge([alice, bob], ["Alice writes this line.", "Bob's title: "]);
  await until("names", () => alice.locator("#people li", { hasText: "Bob" }).count());
  await until("the other's cursor", () => alice.locator(".cm-ySelectionInfo", { hasText: "Bob" }).count());
  await until("words about the connection", async () => /on this machine/.test(await bob.textContent("#state")));
  console.log("ok both type at once, with names, cursors and the connection in words");

  for (let i = 0; i < 30; ++i) await bob.keyboard.press("Control+z");
  const undone = await converge([alice, bob], ["Alice writes this line."]);
  assert.ok(!undone.includes("Bob's title"), "undo takes back Bob's own words only");
  console.log("ok undo");
}

/** Everything is there without a mouse. */
async function useKeys(bob) {
  const focused = () => bob.evaluate(() => document.activeElement.id || document.activeElement.className);
  await bob.focus(".cm-content");
  await bob.keyboard.press("Control+Shift+U");
  assert.equal(await focused(), "words");
  await bob.keyboard.press("Escape");
  assert.match(await focused(), /cm-content/);
  await bob.keyboard.press("Control+Shift+U");
  assert.ok(await bob.locator("#side").isHidden());
  console.log("ok people and chat by keys");
}

async function changeOnDisk(alice, bob, file) {
  await until("saved", () => readFileSync(file, "utf8").includes("Alice writes this line."));
  writeFileSync(file, readFileSync(file, "utf8").replace("# Notes", "# Notes of today"));
  await type(bob, "\nBob goes on.");
  await converge([alice, bob], ["# Notes of today", "Bob goes on."]);
  await until("both in the file", () => /of today[^]*Bob goes on/.test(readFileSync(file, "utf8")));
  assert.equal((await textOf(alice)).split("of today").length, 2, "merged once");
  console.log("ok a change on disk is merged");
}

async function writeHostile(alice, bob) {
  await type(bob, "\n\n[x](javascript:alert(1)) <img src=http://127.0.0.1:1/x onerror=alert(1)> ![i](http://127.0.0.1:1/y)");
  await alice.click("#show-preview");
  await until("preview", async () => (await alice.textContent("#preview")).includes("Bob goes on"));
  assert.equal(await alice.locator("#preview img, #preview script, #preview a[href^=javascript]").count(), 0);
  await alice.click("#show-side");
  await bob.click("#show-side");
  await bob.fill("#words", "<b>hello</b>");
  await bob.press("#words", "Enter");
  await until("chat", async () => (await alice.textContent("#chat")).includes("<b>hello</b>"));
  assert.equal(await alice.locator("#chat b", { hasText: "hello" }).count(), 0);
  console.log("ok hostile Markdown and chat stay text");
}

async function look(alice, bob) {
  for (const colorScheme of ["light", "dark"]) {
    await alice.emulateMedia({ colorScheme });
    await shoot(alice, colorScheme);
    await expectAccessible(alice, colorScheme);
  }
  await bob.setViewportSize({ width: 390, height: 700 });
  await shoot(bob, "phone");
  await expectAccessible(bob, "phone");
  console.log("ok axe is clean");
}

/** The picture of the README: two windows side by side. */
async function takePicture(browser, alice, bob) {
  const shots = [];
  for (const page of [alice, bob]) {
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 620, height: 430 });
    shots.push((await page.screenshot()).toString("base64"));
  }
  const sheet = await browser.newPage({ viewport: { width: 1310, height: 480 } });
  await sheet.setContent(`<body style="margin:0;background:#d9dde3;display:flex;gap:20px;padding:25px">${shots.map((shot) =>
    `<img style="border-radius:10px;box-shadow:0 4px 18px #0006" src="data:image/png;base64,${shot}">`).join("")}`);
  await shoot(sheet, "editor");
  await sheet.close();
}

run(async (browser) => {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n");
  const share = await start([file, "--share"]);
  await refuseStrangers(share.url);
  const alice = await open(share.url, "Alice");
  await converge([alice], ["# Notes"]);
  const joined = await start(["--join", "notes", "--state", join(scratch, "bob")]);
  const bob = await open(joined.url, "Bob");
  await converge([alice, bob], ["# Notes"]);
  console.log("ok the second sees the document");
  await typeTogether(alice, bob);
  await useKeys(bob);
  await changeOnDisk(alice, bob, file);
  await takePicture(browser, alice, bob);
  await writeHostile(alice, bob);
  await look(alice, bob);
});
