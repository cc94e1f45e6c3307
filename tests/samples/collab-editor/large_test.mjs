// SPDX-License-Identifier: GPL-3.0-or-later
// What is large: a document of 1 MB, 10 000 edits as fast as the page takes them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, open, run, scratch, start, textOf, until } from "./browser_harness.mjs";

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
});
