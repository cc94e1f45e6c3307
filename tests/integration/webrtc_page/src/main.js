// SPDX-License-Identifier: GPL-3.0-or-later
// What tests call in the page.
import { Account } from "./account.js";
import { open } from "./session.js";

const piece = 64 * 1024;
const buffered = 4 * 1024 * 1024;
let account;
let session;

const hex = (digest) => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

/** `size` bytes that nobody guesses. */
function noise(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, size)));
  return bytes;
}

async function channel(label) {
  const opened = session.connection.createDataChannel(label);
  opened.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => { opened.onopen = resolve; opened.onclose = reject; opened.onerror = reject; });
  return opened;
}

/** Sends `bytes` with no more than `buffered` waiting. */
async function sendAll(to, bytes) {
  to.bufferedAmountLowThreshold = buffered / 4;
  for (let at = 0; at < bytes.length; at += piece) {
    if (to.bufferedAmount > buffered) await new Promise((resolve) => { to.onbufferedamountlow = resolve; });
    to.send(bytes.subarray(at, at + piece));
  }
}

window.tubes = {
  async logIn(service, domain, username, password) {
    account = new Account(service, domain, username, password);
    await account.online();
  },
  async open(contact, name) {
    session = await open(account, await account.deviceOf(contact), name);
  },
  /** Sends `size` bytes, gets them back; both digests and the seconds it took. */
  async echo(size) {
    const bytes = noise(size);
    const back = new Uint8Array(size);
    const to = await channel("echo");
    let received = 0;
    const started = performance.now();
    const complete = new Promise((resolve, reject) => {
      to.onmessage = ({ data }) => {
        back.set(new Uint8Array(data), received);
        received += data.byteLength;
        if (received === size) resolve();
      };
      to.onclose = () => reject(new Error(`closed after ${received} bytes`));
    });
    await Promise.all([sendAll(to, bytes), complete]);
    const seconds = (performance.now() - started) / 1000;
    to.onclose = null;
    to.close();
    return { sent: await sha256(bytes), received: await sha256(back), seconds };
  },
  /** One HTTP request over a channel of its own; everything until the program closes. */
  async request(text) {
    const to = await channel("http");
    const parts = [];
    const closed = new Promise((resolve) => { to.onclose = resolve; });
    to.onmessage = ({ data }) => parts.push(new TextDecoder().decode(data));
    to.send(text);
    await closed;
    return parts.join("");
  },
};
