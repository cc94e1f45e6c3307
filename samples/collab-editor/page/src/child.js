// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the document's file while no page is open: a child of the editor that speaks its messages on standard input and
// output. Runs on Debian 12's Node (18).
import * as Y from "yjs";
import { Keeper } from "./keeper.js";
import { Type } from "./types.js";

const doc = new Y.Doc();
const keeper = new Keeper(doc, send);
let pending = Buffer.alloc(0);
let caughtUp = false;

function send(type, bytes) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1);
  head[4] = type;
  process.stdout.write(Buffer.concat([head, bytes]));
  return true;
}

function take(type, body) {
  try {
    if (type === Type.update) Y.applyUpdate(doc, body, "connection");
    else if (type === Type.caughtUp) caughtUp = true;
    else keeper.take(type, body);
  } catch (error) {
    console.error("collab-editor: ignored a message that cannot be read:", error.message);
  }
}

doc.on("update", (update, origin) => {
  if (origin !== "connection") send(Type.update, update);
  if (caughtUp) keeper.schedule();
});

process.stdin.on("data", (data) => {
  pending = pending.length > 0 ? Buffer.concat([pending, data]) : data;
  while (pending.length >= 5) {
    const end = 4 + pending.readUInt32BE(0);
    if (pending.length < end) break;
    // A copy: the buffer's memory is used again, and Yjs and the keeper hold on to what they get.
    take(pending[4], new Uint8Array(pending.subarray(5, end)));
    pending = pending.subarray(end);
  }
});
process.stdin.on("end", () => process.exit(0));
process.stdout.on("error", () => process.exit(0));  // the editor was killed
