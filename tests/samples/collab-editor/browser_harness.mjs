// SPDX-License-Identifier: GPL-3.0-or-later
// What the editor's browser tests share: programs with homes of their own, their pages in Chromium, waiting for a
// condition with a deadline. Environment: EDITOR, PAGE_PACKAGES (folder with node_modules), SCREENS.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const { EDITOR, TUBE, PAGE_PACKAGES, SCREENS, FIXTURES } = process.env;
export const screens = SCREENS;
export const tubeProgram = TUBE;
export const scratch = mkdtempSync(join(tmpdir(), "editor-browser-"));
mkdirSync(screens, { recursive: true });

const running = new Set();
const pages = [];
let browser;
let axe;

/** The environment of a user whose files are in scratch/NAME. */
export function homeOf(name) {
  const home = join(scratch, name);
  mkdirSync(join(home, "run"), { recursive: true, mode: 0o700 });
  const environment = { ...process.env, HOME: home, TUBES_HOME: home, XDG_RUNTIME_DIR: join(home, "run") };
  delete environment.TUBES_PROFILE;
  return environment;
}

/** Ends a process with the test. */
export function watch(child) {
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

/** A private Prosody with these accounts, each on the others' contact lists, logged in at home of that name. */
export async function serve(names, options = []) {
  const accounts = names.flatMap((name) => ["--account", `${name}:pw-${name}`]);
  const child = watch(spawn("/usr/bin/python3", [join(FIXTURES, "prosody.py"), ...options, ...accounts],
    { stdio: ["pipe", "pipe", "inherit"] }));
  const server = await new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error("Prosody did not start")));
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
  });
  if (!server.ok) throw new Error(server.error);
  for (const name of names) {
    const login = ["login", `${name}@${server.domain}`, "--server", `127.0.0.1:${server.ports.c2s}`, "--ca", server.ca];
    execFileSync(TUBE, login, { env: homeOf(name), input: `pw-${name}\n`, stdio: ["pipe", "ignore", "inherit"] });
  }
  return server;
}

/** Starts an editor of the user `home`; resolves with its process, URL and what it has said so far. */
export function start(args, { home = "home", environment = {} } = {}) {
  const child = watch(spawn(EDITOR, [...args, "--no-open"],
    { env: { ...homeOf(home), ...environment }, stdio: ["ignore", "pipe", "pipe"] }));
  const editor = { child, output: "" };
  return new Promise((resolve, reject) => {
    const hear = (data) => {
      editor.output += data;
      editor.url = /^Open (\S+)$/m.exec(editor.output)?.[1];
      if (editor.url) resolve(editor);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", (data) => { process.stderr.write(data); hear(data); });
    child.on("exit", () => reject(new Error(`the editor ended: ${editor.output}`)));
  });
}

export function kill(editor, signal = "SIGKILL") {
  return new Promise((resolve) => { editor.child.on("exit", resolve); editor.child.kill(signal); });
}

export async function until(what, condition, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The text as the page's editor has it; its own drawing leaves out what is scrolled away. */
export const textOf = (page) => page.evaluate(() => {
  const content = document.querySelector(".cm-content");
  return (content.cmTile ?? content.cmView)?.view.state.doc.toString();
});

/** Opens an editor's page as a person called `name`, in a browser profile of its own. */
export async function open(url, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 760, height: 560 }, ...options });
  const page = await context.newPage();
  pages.push(page);
  page.failures = [];
  page.on("pageerror", (error) => page.failures.push(error.message));
  page.on("console", (line) => { if (line.type() === "error") page.failures.push(line.text()); });
  await page.goto(url);
  await page.waitForSelector(".cm-content", { state: "attached" });
  await page.evaluate((value) => {
    const field = document.getElementById("name");
    field.value = value;
    field.dispatchEvent(new Event("change"));
  }, name);
  return page;
}

export async function type(page, words, key = "Control+End") {
  await page.focus(".cm-content");
  await page.keyboard.press(key);
  await page.keyboard.type(words);
}

/** Waits until all pages show the same text, with everything of `parts` in it; resolves with the text. */
export async function converge(all, parts = [], seconds = 30) {
  return until(`${parts.join()} on all screens`, async () => {
    const texts = await Promise.all(all.map(textOf));
    return texts.every((text) => text === texts[0]) && parts.every((part) => texts[0].includes(part)) && texts[0];
  }, seconds);
}

export const shoot = (page, name) => page.screenshot({ path: join(screens, `${name}.png`) });

export async function expectAccessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`), [], `axe, ${what}`);
}

/** Editors that an editor started outlive it; they are known by this test's folder in their environment. */
function endStrays() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, "latin1").includes(scratch)) process.kill(Number(pid), "SIGKILL");
    } catch { /* it has ended, or is another user's */ }
  }
}

function missing() {
  if (!existsSync("/usr/bin/chromium")) return "chromium (scripts/setup editor)";
  if (!existsSync(join(EDITOR, "../collab-editor-page/page.js"))) return "the editor's page (the build said why)";
  return "";
}

/** Runs a test with the browser and cleans up; the exit code is 0, 1, or 77 when something is missing. */
export async function run(test) {
  const gap = missing();
  if (gap !== "") {
    console.log(`missing: ${gap}`);
    process.exit(process.env.CI === "true" ? 1 : 77);
  }
  const require = createRequire(join(PAGE_PACKAGES, "package.json"));
  const { chromium } = require("playwright-core");
  axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox",
    "--disable-gpu", "--host-resolver-rules=MAP rebound.test 127.0.0.1", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"] });
  try {
    await test(browser);
    for (const page of pages) {
      assert.deepEqual(page.failures.filter((line) => !/WebSocket|ERR_CONNECTION|403|Refused to/.test(line)), []);
    }
  } catch (error) {
    for (const [i, page] of pages.entries()) if (!page.isClosed()) await shoot(page, `failed-${i}`).catch(() => {});
    throw error;
  } finally {
    await browser.close();
    for (const child of running) child.kill("SIGKILL");
    endStrays();
    rmSync(scratch, { recursive: true, force: true });
  }
}
