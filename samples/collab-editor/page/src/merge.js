// SPDX-License-Identifier: GPL-3.0-or-later
// Merging what another program wrote into the file: as an edit of the text that was saved last, not of today's.
import * as Y from "yjs";

export const kText = "text";

/** The one stretch in which two texts differ: [start, removed, inserted]; never splits a surrogate pair. */
export function difference(from, to) {
  let start = 0;
  const shorter = Math.min(from.length, to.length);
  while (start < shorter && from[start] === to[start]) start++;
  let end = 0;
  while (end < shorter - start && from[from.length - 1 - end] === to[to.length - 1 - end]) end++;
  const isLow = (text, at) => at < text.length && text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) < 0xe000;
  if (start > 0 && (isLow(from, start) || isLow(to, start))) start--;
  if (end > 0 && (isLow(from, from.length - end) || isLow(to, to.length - end))) end--;
  return [start, from.length - start - end, to.slice(start, to.length - end)];
}

/** The same for the same texts: merging the same change twice, or in two pages, is one edit. */
function clientFor(base, disk) {
  let hash = 0x811c9dc5;
  const mix = (value) => { hash = Math.imul(hash ^ value, 0x01000193) >>> 0; };
  base.forEach(mix);
  for (let i = 0; i < disk.length; i++) mix(disk.charCodeAt(i));
  return hash;
}

/** The state saved last (`base`, empty: nothing yet) with the text on disk put in its place. */
export function mergeDisk(base, disk) {
  const saved = new Y.Doc();
  if (base.length > 0) Y.applyUpdate(saved, base);
  saved.clientID = clientFor(base, disk);
  const text = saved.getText(kText);
  const [start, removed, inserted] = difference(text.toString(), disk);
  saved.transact(() => {
    text.delete(start, removed);
    text.insert(start, inserted);
  });
  return { state: Y.encodeStateAsUpdate(saved), changed: removed > 0 || inserted !== "" };
}
