// SPDX-License-Identifier: GPL-3.0-or-later
// Keeping the document's file: the plain text for saving, merging what another program wrote into it, snapshots of the
// log. One keeper at a time does it: a page, or child.js while none is open.
import * as Y from "yjs";
import { Type } from "./types.js";
import { kText, mergeDisk } from "./merge.js";

const kNoFile = 0xffffffff;  // in the place of the state's size: there is no file yet
const kSaveAfter = 400;      // ms since the first edit that is not saved
const kLargestState = 32 * 1024 * 1024;  // protocol.hpp, kMaxUpdateSize
const decoder = new TextDecoder();

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

export class Keeper {
  /** `send(type, bytes)` says whether it could. */
  constructor(doc, send) {
    this.doc = doc;
    this.send = send;
    this.reset();
  }

  /** The connection is gone: somebody else may be the keeper now. */
  reset() {
    this.keepsFile = false;
    this.savedText = null;
    this.base = null;         // the document's state as of the last save or look at the file
    this.unconfirmed = null;  // the state that is being saved
  }

  take(type, bytes) {
    if (type === Type.disk) this.onDisk(bytes);
    else if (type === Type.saved) this.base = this.unconfirmed;
    else if (type === Type.compact) this.compact(bytes.slice(0, 4));
    else return false;
    return true;
  }

  /** The file as it is on disk, and the state that was saved last. */
  onDisk(bytes) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    this.keepsFile = true;
    this.savedText = null;
    if (size !== kNoFile) {
      const merged = mergeDisk(this.base ?? bytes.slice(4, 4 + size), decoder.decode(bytes.subarray(4 + size)));
      this.base = merged.state;
      Y.applyUpdate(this.doc, merged.state, "disk");
    }
    this.schedule();
  }

  compact(count) {
    const state = Y.encodeStateAsUpdate(this.doc);
    if (state.length <= kLargestState) this.send(Type.compact, join(count, state));
  }

  schedule() {
    if (this.keepsFile && !this.timer) this.timer = setTimeout(() => this.save(), kSaveAfter);
  }

  save() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const text = this.doc.getText(kText).toString();
    if (!this.keepsFile || text === this.savedText) return;
    const state = Y.encodeStateAsUpdate(this.doc);
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, state.length);
    if (!this.send(Type.save, join(size, state, new TextEncoder().encode(text)))) return;
    this.savedText = text;
    this.unconfirmed = state;
  }
}
