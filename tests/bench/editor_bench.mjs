// SPDX-License-Identifier: GPL-3.0-or-later
// How long a key press in one page of collab-editor takes to the other person's screen: from the key event in the one to
// the first frame after the change in the other, both in headless Chromium, two programs with a tube between them.
// Prints one JSON line. Environment as for tests/samples/collab-editor/browser_harness.mjs, and PRESSES.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, open, run, scratch, start, until } from "../samples/collab-editor/browser_harness.mjs";

const presses = Number(process.env.PRESSES ?? 200);
const kEvery = 60;  // ms between key presses: a fast typist

const share = (sorted, part) => Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1));

/** In the writer's page: when each key went down. Wall-clock time, as the two pages are two processes. */
const noteKeys = () => {
  window.times = [];
  document.querySelector(".cm-content").addEventListener("keydown", () => window.times.push(performance.timeOrigin + performance.now()), true);
};

/** In the reader's page: when each change was there, and when it was drawn. */
const noteChanges = () => {
  window.times = [];
  const { view } = document.querySelector(".cm-content").cmTile ?? document.querySelector(".cm-content").cmView;
  let length = view.state.doc.length;
  new MutationObserver(() => {
    for (; length < view.state.doc.length; length++) {
      const entry = { changed: performance.timeOrigin + performance.now() };
      window.times.push(entry);
      requestAnimationFrame(() => setTimeout(() => { entry.drawn = performance.timeOrigin + performance.now(); }, 0));
    }
  }).observe(document.querySelector(".cm-content"), { childList: true, characterData: true, subtree: true });
};

run(async () => {
  const file = join(scratch, "notes.md");
  writeFileSync(file, "# Notes\n\n");
  const writer = await open((await start([file, "--share"])).url, "Alice");
  const reader = await open((await start(["--join", "notes", "--state", join(scratch, "bob")])).url, "Bob");
  await converge([writer, reader], ["# Notes"]);
  await writer.focus(".cm-content");
  await writer.keyboard.press("Control+End");
  for (let i = 0; i < 20; ++i) await writer.keyboard.type("a");
  await converge([writer, reader], ["aaaaaaaaaaaaaaaaaaaa"]);
  await writer.evaluate(noteKeys);
  await reader.evaluate(noteChanges);
  for (let i = 0; i < presses; ++i) {
    await writer.keyboard.type("x");
    await writer.waitForTimeout(kEvery);
  }
  await until("everything arrives", () => reader.evaluate((n) => window.times.length >= n && window.times.every((t) => t.drawn), presses));
  const pressed = await writer.evaluate(() => window.times);
  const seen = await reader.evaluate(() => window.times);
  const sorted = (part) => seen.slice(0, presses).map((entry, i) => entry[part] - pressed[i]).sort((a, b) => a - b);
  const changed = sorted("changed"), drawn = sorted("drawn");
  console.log(JSON.stringify({ presses, key_to_page_p50_ms: share(changed, 0.5), key_to_page_p95_ms: share(changed, 0.95),
    key_to_screen_p50_ms: share(drawn, 0.5), key_to_screen_p95_ms: share(drawn, 0.95) }));
});
