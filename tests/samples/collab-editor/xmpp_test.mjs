// SPDX-License-Identifier: GPL-3.0-or-later
// Two accounts at a real server: an invitation by --to, accepted in the page; back without being asked; what a contact
// shares is seen and joined by a click.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, expectAccessible, kill, open, run, scratch, serve, shoot, start, type, until } from "./browser_harness.mjs";

// As between two machines: on one, nodes of one user would take the Unix socket.
const environment = { TUBES_NETWORK_TRANSPORTS: "direct-tls", TUBES_NETWORK_LOOPBACK: "true" };
const bobs = "bob@tube.test", alices = "alice@tube.test";

async function invite(file) {
  const host = await start([file, "--share", "--to", bobs], { home: "alice", environment });
  const alice = await open(host.url, "Alice");
  const guest = await start(["--join"], { home: "bob", environment });
  const bob = await open(guest.url, "Bob");
  await until("the offer", async () => (await bob.textContent("#requests")).includes(`${alices} invites you to plan`));
  await shoot(bob, "invitation");
  await expectAccessible(bob, "invitation");
  await bob.click("#requests button >> nth=0");
  await converge([alice, bob], ["# Plan"]);
  await Promise.all([type(alice, "\nAlice over XMPP."), type(bob, "Bob too: ", "Control+Home")]);
  await converge([alice, bob], ["Alice over XMPP.", "Bob too: "]);
  await until("words", async () => new RegExp(`(direct|relayed) to ${bobs}, \\d+ ms`).test(await alice.textContent("#state")));
  await until("names", () => alice.locator("#people li", { hasText: "Bob" }).count());
  assert.equal(await alice.locator("#requests button").count(), 0, "who was invited is not asked about");
  console.log("ok invited by --to, accepted in the page, both type:", await alice.textContent("#state"));
  return { host, guest, alice, bob };
}

async function comeBack(session, file) {
  await session.bob.close();
  await kill(session.guest);
  await session.alice.close();
  await kill(session.host);
  const host = await start([file, "--share", "--to", bobs], { home: "alice", environment });
  const alice = await open(host.url, "Alice");
  await type(alice, "\nWelcome back.");
  const guest = await start(["--join", "plan"], { home: "bob", environment });
  const bob = await open(guest.url, "Bob");
  await converge([alice, bob], ["Alice over XMPP.", "Welcome back."]);
  assert.equal(await alice.locator("#requests button").count(), 0);
  assert.equal(await bob.locator("#requests button").count(), 0);
  console.log("ok both killed; back without a question");
  return { host, guest, alice, bob };
}

/** Whoever may join sees what is shared; nobody else does. */
async function joinByClick(alice) {
  const guest = await start(["--join", "--state", join(scratch, "second")], { home: "bob", environment });
  const bob = await open(guest.url, "Bob's second");
  const carol = await open((await start(["--join"], { home: "carol" })).url, "Carol");
  const item = bob.locator("#contacts > li", { hasText: alices });
  await until("what Alice shares", () => item.getByRole("button", { name: `Join plan of ${alices}` }).count());
  await until("Carol sees Alice", () => carol.locator("#contacts > li", { hasText: alices }).count());
  await shoot(bob, "contacts");
  await expectAccessible(bob, "contacts");
  await item.getByRole("button", { name: "Join plan" }).click();
  await converge([alice, bob], ["Welcome back."]);
  assert.equal(await carol.getByText("shares plan").count(), 0, "Carol was not invited and sees nothing");
  console.log("ok seen and joined by a click; who may not, sees nothing");
}

run(async () => {
  await serve(["alice", "bob", "carol"]);
  const file = join(scratch, "plan.md");
  writeFileSync(file, "# Plan\n");
  const session = await comeBack(await invite(file), file);
  await joinByClick(session.alice);
});
