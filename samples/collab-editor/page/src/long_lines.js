// SPDX-License-Identifier: GPL-3.0-or-later
// A paragraph is parsed anew as a whole with every key, so a text without line breaks would make typing slow: while a
// line is very long, the text is shown without Markdown's colours.
import { Compartment } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { markdown } from "@codemirror/lang-markdown";

const kLongestLine = 20000;  // characters: about three pages
const kLookAgainAfter = 1000;  // ms

function hasLongLine(text) {
  if (text.length <= kLongestLine) return false;
  for (const line of text.iterLines()) if (line.length > kLongestLine) return true;
  return false;
}

/** Markdown for the editor; `onLong(isLong)` hears when it goes and when it is back. */
export function markdownUnlessLong(onLong) {
  const language = new Compartment();
  let isLong = false;
  let timer;

  function set(view, value) {
    if (value === isLong) return;
    isLong = value;
    view.dispatch({ effects: language.reconfigure(isLong ? [] : markdown()) });
    onLong(isLong);
  }

  const look = EditorView.updateListener.of(({ docChanged, changes, state, view }) => {
    if (!docChanged) return;
    let largest = 0;
    if (!isLong) changes.iterChanges((fromA, toA, fromB, toB) => {
      largest = Math.max(largest, toB - fromB, state.doc.lineAt(toB).length);
    });
    if (largest > kLongestLine && hasLongLine(state.doc)) queueMicrotask(() => set(view, true));
    if (!isLong || timer) return;
    timer = setTimeout(() => { timer = undefined; set(view, hasLongLine(view.state.doc)); }, kLookAgainAfter);
  });
  return [language.of(markdown()), look];
}
