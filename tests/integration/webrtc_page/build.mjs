// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles the page: build.mjs OUTPUT-FOLDER.
import { build } from "esbuild";
import { copyFileSync, mkdirSync } from "node:fs";

const output = process.argv[2] ?? "dist";
mkdirSync(output, { recursive: true });
await build({
  entryPoints: ["src/main.js"], bundle: true, format: "iife", target: ["es2022"], outfile: `${output}/page.js`,
  alias: { "node:dns": "./src/no_dns.js" }, logLevel: "warning",
});
copyFileSync("src/index.html", `${output}/index.html`);
