// SPDX-License-Identifier: GPL-3.0-or-later
// What goes wrong: programs killed and back, edits during a cut; and five people at once.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, kill, open, run, scratch, start, type, until } from "./browser_harness.mjs";

run(async () => {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n");
  const bobs = ["--join", "notes", "--state", join(scratch, "bob")];
  let share = await start([file, "--share"]);
  let alice = await open(share.url, "Alice");
  let joined = await start(bobs);
  let bob = await open(joined.url, "Bob");
  await converge([alice, bob], ["# Notes"]);

  await kill(joined);
  await type(alice, "Meanwhile: ", "Control+Home");
  await kill(share);
  share = await start([file, "--share"]);
  alice = await open(share.url, "Alice");
  joined = await start(bobs);
  bob = await open(joined.url, "Bob");
  await converge([alice, bob], ["Meanwhile: "]);
  console.log("ok both killed with -9 and back");

  await kill(share);
  await until("the hub is gone", async () => !/on this machine/.test(await bob.textContent("#state")));
  await type(bob, "\nTyped while the tube was cut.");
  share = await start([file, "--share"]);
  alice = await open(share.url, "Alice");
  await converge([alice, bob], ["Typed while the tube was cut."]);
  console.log("ok edits made during a cut arrive");

  const all = [alice, bob];
  for (const name of ["Carol", "Dave", "Erin"]) {
    const editor = await start(["--join", "notes", "--state", join(scratch, name)]);
    all.push(await open(editor.url, name));
  }
  await converge(all, ["Typed while the tube was cut."]);
  const lines = all.map((page, i) => `Line of person ${i}, typed at the same time.`);
  await Promise.all(all.map((page, i) => type(page, `\n${lines[i]}`)));
  await converge(all);
  await until("five names", async () => await alice.locator("#people li").count() >= 5);
  console.log("ok five people");
});
