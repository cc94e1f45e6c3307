// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles the page, and the keeper for when no page is open: build.mjs OUTPUT-FOLDER.
import { build } from "esbuild";
import { copyFileSync, mkdirSync } from "node:fs";

const output = process.argv[2] ?? "dist";
mkdirSync(output, { recursive: true });
await build({
  entryPoints: ["src/main.js"], bundle: true, minify: true, format: "iife", target: ["es2020"],
  outfile: `${output}/page.js`, logLevel: "warning", legalComments: "linked",
});
await build({
  entryPoints: ["src/child.js"], bundle: true, minify: true, format: "cjs", platform: "node", target: ["node18"],
  outfile: `${output}/keeper.cjs`, logLevel: "warning", legalComments: "linked",
});
for (const name of ["style.css", "icon.svg", "index.html"]) copyFileSync(`src/${name}`, `${output}/${name}`);
