// SPDX-License-Identifier: GPL-3.0-or-later
// Five people at one document in a room of a real server, who come and go.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, expectAccessible, kill, open, run, scratch, serve, shoot, start, type, until } from "./browser_harness.mjs";

const names = ["alice", "bob", "carol", "dave", "erin"];
const room = "den@conference.tube.test";
const nameOf = (name) => name[0].toUpperCase() + name.slice(1);

async function enter(name) {
  const editor = await start(["--join", "minutes", "--room", room, "--nick", name], { home: name });
  const page = await open(editor.url, nameOf(name));
  await until(`${name} is connected`, async () => /relayed to/.test(await page.textContent("#state")), 60);
  return { name, editor, page };
}

run(async () => {
  // How long the server keeps a killed program in the room; until then its successor is not told apart from it.
  await serve(names, ["--hibernation", "10"]);
  const file = join(scratch, "minutes.md");
  writeFileSync(file, "# Minutes\n");
  const host = await start([file, "--share", "--room", room, "--nick", "alice"], { home: "alice" });
  const alice = await open(host.url, "Alice");
  await until("shared", async () => (await alice.textContent("#state")).includes(`shared in ${room}`));
  const people = [{ name: "alice", editor: host, page: alice }];
  for (const name of names.slice(1)) people.push(await enter(name));
  const pages = () => people.map((person) => person.page);

  await Promise.all(people.map(({ name, page }) => type(page, `\n- ${nameOf(name)} writes while the others do.`)));
  const text = await converge(pages(), []);
  for (const name of names) assert.ok(text.includes(`- ${nameOf(name)}`), `the words of ${name}`);
  for (const { name, page } of people) {
    await until(`five names at ${name}`, async () => await page.locator("#people li").count() === 5);
    await until(`four cursors at ${name}`, async () => await page.locator(".cm-ySelectionInfo").count() === 4);
  }
  const marks = await alice.locator("#people li").evaluateAll((items) => items.map((item) => item.style.getPropertyValue("--mark")));
  assert.equal(new Set(marks).size, 5, `everybody has an own colour: ${marks}`);
  await alice.setViewportSize({ width: 1000, height: 560 });
  await shoot(alice, "five");
  await expectAccessible(alice, "five");
  console.log("ok five people in a room converge:", await alice.textContent("#state"));

  const erin = people.pop();
  await erin.page.close();
  await kill(erin.editor);
  await until("Erin is gone", async () => await alice.locator("#people li").count() === 4);
  await type(alice, "\nErin has left.", "Control+End");
  await converge(pages(), ["Erin has left."]);
  people.push(await enter("erin"));
  await type(people[4].page, "\nErin is back.");
  await converge(pages(), ["Erin has left.", "Erin is back."]);
  console.log("ok one is killed, misses something, and comes back");

  await kill(host);
  await type(people[1].page, "\nWhile the host is away.");
  const again = await start([file, "--share", "--room", room, "--nick", "alice"], { home: "alice" });
  people[0] = { name: "alice", editor: again, page: await open(again.url, "Alice") };
  await converge(pages(), ["Erin is back.", "While the host is away."], 120);
  console.log("ok the host is killed and comes back");
});
