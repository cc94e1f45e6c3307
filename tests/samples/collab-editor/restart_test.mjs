// SPDX-License-Identifier: GPL-3.0-or-later
// The program is killed and started again: the page that stayed open comes back by itself with what was typed meanwhile,
// and whoever took the port in between gets nothing.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, homeOf, kill, open, run, scratch, start, textOf, type, until } from "./browser_harness.mjs";
import { squat } from "./frames.mjs";

const portOf = (editor) => Number(new URL(editor.url).port);
const stateOf = (page) => page.textContent("#state");

async function survive(alice, bob, share, again) {
  await kill(share);
  await until("words", async () => /reconnecting, your edits are kept/.test(await stateOf(alice)));
  await type(alice, "\nTyped while the program was away.");
  await type(bob, "\nBob goes on meanwhile.");
  const editor = await again();
  assert.equal(portOf(editor), portOf(share), "the page's address stays");
  await converge([alice, bob], ["Typed while the program was away.", "Bob goes on meanwhile."]);
  console.log("ok the open page comes back, and what was typed merges");
  return editor;
}

async function giveNothingAway(alice, share, again, keyFile) {
  const port = portOf(share), { key } = JSON.parse(readFileSync(keyFile));
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  await kill(share);
  const thief = await squat(port);
  await type(alice, "\nSecret of the meantime.");
  await until("words", async () => /another program answers at this page's address/.test(await stateOf(alice)));
  await until("several tries", () => thief.heard.frames.length > 1);
  for (const frame of thief.heard.frames) {
    assert.match(frame.toString(), /^\x18key [0-9a-f]{64} [0-9a-f]{64}$/, "a proof and nothing else");
    assert.ok(!frame.includes(key) && !frame.includes("Secret"));
  }
  await thief.close();
  const editor = await again();
  await converge([alice], ["Secret of the meantime."]);
  console.log("ok who took the port got no secret and no edit, and the page came back from it");
  return editor;
}

run(async (browser) => {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n");
  const again = () => start([file, "--share"]);
  let share = await again();
  const alice = await open(share.url, "Alice");
  const bob = await open((await start(["--join", "notes", "--state", join(scratch, "bob")])).url, "Bob");
  await converge([alice, bob], ["# Notes"]);
  const first = share.url;
  share = await survive(alice, bob, share, again);
  share = await giveNothingAway(alice, share, again, join(homeOf("home").TUBES_HOME, "collab-editor/notes.shared/page"));
  await until("saved", () => readFileSync(file, "utf8").includes("Secret of the meantime."));

  const text = await textOf(alice);
  await alice.reload();
  await converge([alice], [text.trimEnd()]);
  console.log("ok the page can be loaded again after a restart");

  const stale = await (await browser.newContext()).newPage();
  await stale.goto(first);
  await until("words", async () => /not known|printed/.test(await stateOf(stale)));
  assert.equal(await textOf(stale), "", "the address of an earlier run opens nothing");
  console.log("ok the address of an earlier run opens nothing");

  await kill(share);
  const other = await squat(portOf(share));
  const moved = await again();
  assert.notEqual(portOf(moved), portOf(share));
  await other.close();
  console.log("ok a port that somebody else took is left to them");
});
