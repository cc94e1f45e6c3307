// SPDX-License-Identifier: GPL-3.0-or-later
// An invitation from page to page; who accepted it comes back without being asked again.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, kill, open, run, scratch, start, type, until } from "./browser_harness.mjs";

run(async () => {
  const file = join(scratch, "plan.md");
  writeFileSync(file, "# Plan\n");
  const host = await start([file, "--share"]);
  const alice = await open(host.url, "Alice");
  const guest = await start(["--join"]);
  const bob = await open(guest.url, "Bob");
  await until("words", async () => /waiting for an invitation/.test(await bob.textContent("#state")));
  await alice.click("#show-side");
  await alice.click("#contacts button");
  await until("the invitation", async () => /invites you to plan/.test(await bob.textContent("#requests")));
  await bob.click("#requests button >> nth=0");
  await converge([alice, bob], ["# Plan"]);
  await type(bob, "\nBob was here.");
  await converge([alice, bob], ["Bob was here."]);
  console.log("ok invited in the page, accepted in the page");

  await bob.close();
  await kill(guest);
  const again = await open((await start(["--join", "plan"])).url, "Bob");
  await type(alice, "\nWelcome back.");
  await converge([alice, again], ["Bob was here.", "Welcome back."]);
  assert.equal(await alice.locator("#requests button").count(), 0);
  console.log("ok back without being asked");
});
