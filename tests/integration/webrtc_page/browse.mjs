// SPDX-License-Identifier: GPL-3.0-or-later
// Opens the page in headless Chromium and does there what the command line says, as JSON lines on stdout:
// browse.mjs PAGE-FOLDER PACKAGES SERVICE DOMAIN USER PASSWORD CONTACT NAME BYTES. A failure is told as {"error"}.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, packages, service, domain, user, password, contact, name, bytes] = process.argv.slice(2);
const { chromium } = createRequire(join(packages, "package.json"))("playwright-core");

const types = { "/": ["index.html", "text/html"], "/page.js": ["page.js", "text/javascript"] };
const server = createServer((request, response) => {
  const [file, type] = types[request.url] ?? [];
  response.writeHead(file ? 200 : 404, { "content-type": type ?? "text/plain" });
  response.end(file ? readFileSync(join(folder, file)) : "");
});
await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox",
  "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-features=WebRtcHideLocalIpsWithMdns", "--allow-loopback-in-peer-connection"] });
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
try {
  const page = await browser.newPage();
  page.on("console", (line) => process.stderr.write(`page: ${line.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`page: ${error.message}\n`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate((args) => window.tubes.logIn(...args), [service, domain, user, password]);
  await page.evaluate((args) => window.tubes.open(...args), [contact, name]);
  if (Number(bytes) > 0) {
    tell(await page.evaluate((size) => window.tubes.echo(size), Number(bytes)));
  } else {
    const request = "GET /file HTTP/1.0\r\nHost: tube\r\n\r\n";
    tell({ answer: await page.evaluate((text) => window.tubes.request(text), request) });
  }
} catch (error) {
  tell({ error: error.message });
} finally {
  await browser.close();
  server.close();
}
