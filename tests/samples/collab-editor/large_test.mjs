// SPDX-License-Identifier: GPL-3.0-or-later
// What is large: a document of 1 MB, 10 000 edits as fast as the page takes them, 1 MB without a line break.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, open, run, scratch, start, textOf, type, until } from "./browser_harness.mjs";

/** One key with a paragraph of 1 MB took more than a second while all of it was parsed anew. */
async function typeInALongLine() {
  const file = join(scratch, "line.md");
  writeFileSync(file, "no end to this line ".repeat(50000));
  const alice = await open((await start([file, "--share"])).url, "Alice");
  await until("all of it", async () => (await textOf(alice))?.length === 1e6);
  await until("words", () => alice.locator("#long-line").isVisible());
  const times = [];
  for (let i = 0; i < 5; ++i) {
    const begun = Date.now();
    await type(alice, "x");
    await alice.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
    times.push(Date.now() - begun);
  }
  assert.ok(Math.min(...times) < 800, `ms a key: ${times}`);
  await alice.keyboard.press("Control+a");
  await alice.keyboard.type("# Short");
  await until("colours again", () => alice.locator("#long-line").isHidden());
  console.log("ok 1 MB in one line, ms a key:", times.join(" "));
}

run(async () => {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n");
  const share = await start([file, "--share"]);
  const alice = await open(share.url, "Alice");
  const joined = await start(["--join", "notes", "--state", join(scratch, "bob")]);
  const bob = await open(joined.url, "Bob");
  await converge([alice, bob], ["# Notes"]);

  await alice.evaluate(() => {
    const content = document.querySelector(".cm-content");
    const { view } = content.cmTile ?? content.cmView;
    view.dispatch({ changes: { from: view.state.doc.length, insert: `\n${"All work and no play makes Jack a dull boy.\n".repeat(23832)}` } });
    for (let i = 0; i < 10000; ++i) view.dispatch({ changes: { from: i % 100, insert: "e" } });
  });
  await until("1 MB and 10 000 edits", async () => {
    const [one, other] = [await textOf(alice), await textOf(bob)];
    return one.length > 1.05e6 && one === other;
  }, 60);
  console.log("ok 1 MB document, 10 000 fast edits");
  await typeInALongLine();
});
