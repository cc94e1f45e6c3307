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
  assert.ok(await bob.locator("#welcome").isVisible() && await bob.locator("#editor").isHidden(), "nowhere to type yet");
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

  const other = join(scratch, "other.md");
  writeFileSync(other, "# Other\n");
  await start([other, "--share"]);
  await alice.getByRole("button", { name: "Join other of your other programs" }).click();
  const urls = () => [...host.output.matchAll(/^Open (\S+)$/gm)].map((match) => match[1]);
  await until("an editor of its own", async () => urls().length === 2);
  await converge([await open(urls()[1], "Alice")], ["# Other"]);
  await converge([alice, again], ["Welcome back."]);
  console.log("ok a click joins another document in an editor of its own");
});
