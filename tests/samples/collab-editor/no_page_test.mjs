// SPDX-License-Identifier: GPL-3.0-or-later
// The file of a document while no page is open: saved and merged by the child, or, without Node, said to wait.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { converge, kill, open, run, scratch, start, textOf, type, until } from "./browser_harness.mjs";

async function keepTheFileWithoutAPage() {
  const file = join(scratch, "alone.md");
  writeFileSync(file, "one\n");
  const host = await start([file, "--share"]);
  const guest = await start(["--join", "alone", "--state", join(scratch, "guest")]);
  const page = await open(guest.url, "Guest");
  await converge([page], ["one"]);
  await type(page, "typed by the guest");
  await until("saved by the child", () => readFileSync(file, "utf8").includes("typed by the guest"));
  writeFileSync(file, `${readFileSync(file, "utf8")}\nwritten by another program\n`);
  await converge([page], ["typed by the guest", "written by another program"]);
  assert.equal((await textOf(page)).split("another program").length, 2, "merged once");
  console.log("ok the file is saved and merged while the host has no page");
  await kill(host, "SIGTERM");
  await kill(guest, "SIGTERM");
}

async function sayWhatIsMissing() {
  const file = join(scratch, "nodeless.md");
  writeFileSync(file, "text\n");
  const editor = await start([file, "--share"], { environment: { PATH: "/nonexistent" } });
  await until("the words", () => /Node cannot be started/.test(editor.output));
  await converge([await open(editor.url, "Alone")], ["text"]);
  console.log("ok without Node it says so and serves the page");
  await kill(editor, "SIGTERM");
}

run(async () => {
  await keepTheFileWithoutAPage();
  await sayWhatIsMissing();
});
