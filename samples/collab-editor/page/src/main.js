// SPDX-License-Identifier: GPL-3.0-or-later
// The page: the shared document, its editor, and what goes to and comes from the program on this machine.
import * as Y from "yjs";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { Connection, Type } from "./connection.js";
import { Keeper } from "./keeper.js";
import { markdownUnlessLong } from "./long_lines.js";
import { kText } from "./merge.js";
import * as view from "./view.js";

const doc = new Y.Doc();
const text = doc.getText(kText);
const undoManager = new Y.UndoManager(text);
const awareness = new Awareness(doc);
const decoder = new TextDecoder();
const colours = ["#b3261e", "#1f5fa8", "#2e6b33", "#7b3fa0", "#8a5300", "#00696b", "#a3326a", "#4b5563"];

const kMostOthers = 100;

let received = [];     // What the program had when the connection opened, until it says that this was all.
let caughtUp = false;

const connection = new Connection(onMessage, onState);
const keeper = new Keeper(doc, (type, bytes) => caughtUp && connection.send(type, bytes));

function onState(isOpen, words) {
  received = [];
  caughtUp = false;
  keeper.reset();
  if (isOpen) connection.send(Type.hello, "page");
  else {
    const others = [...awareness.getStates().keys()].filter((id) => id !== awareness.clientID);
    removeAwarenessStates(awareness, others, "connection");
    view.showState(words);
  }
}

function onMessage(type, bytes) {
  try {
    if (type === Type.update) {
      Y.applyUpdate(doc, bytes, "connection");
      if (!caughtUp) received.push(bytes.slice());
    } else if (type === Type.caughtUp) onCaughtUp();
    else if (type === Type.awareness) hearOfOthers(bytes);
    else if (type === Type.chat) view.showChat(JSON.parse(decoder.decode(bytes)));
    else if (type === Type.status) view.showStatus(JSON.parse(decoder.decode(bytes)));
    else keeper.take(type, bytes);
  } catch (error) {
    console.warn("ignored a message that cannot be read:", error.message);
  }
}

/** Others' names and cursors; more than a crowd is an attack, and forgotten. */
function hearOfOthers(bytes) {
  applyAwarenessUpdate(awareness, bytes, "connection");
  const others = [...awareness.getStates().keys()].filter((id) => id !== awareness.clientID);
  if (others.length > kMostOthers) removeAwarenessStates(awareness, others.slice(kMostOthers), "connection");
}

/** Sends what was typed while there was no connection. */
function onCaughtUp() {
  caughtUp = true;
  view.showDocument();
  const theirs = received.length > 0 ? Y.encodeStateVectorFromUpdate(Y.mergeUpdates(received)) : undefined;
  const missing = Y.encodeStateAsUpdate(doc, theirs);
  if (missing.length > 2) connection.send(Type.update, missing);
  received = [];
  sendAwareness([awareness.clientID]);
}

doc.on("update", (update, origin) => {
  if (origin !== "connection" && caughtUp) connection.send(Type.update, update);
  keeper.schedule();
  view.showPreview(text);
});

function sendAwareness(clients) {
  if (caughtUp) connection.send(Type.awareness, encodeAwarenessUpdate(awareness, clients));
}
awareness.on("update", ({ added, updated, removed }, origin) => {
  if (origin !== "connection") sendAwareness([...added, ...updated, ...removed]);
  // Who comes later is told who is here.
  else if (added.length > 0) sendAwareness([awareness.clientID]);
});
// Before the editor sees it: a peer's colour becomes part of a style, its name a label.
awareness.on("change", ({ updated }, origin) => {
  if (colour && origin === "connection" && updated.includes(awareness.clientID)) showMyself(colour);  // nobody else's to say
  for (const [id, state] of awareness.getStates()) {
    if (id === awareness.clientID || !state.user) continue;
    const name = String(state.user.name ?? "").slice(0, 40);
    const color = /^#[0-9a-f]{6}/.test(state.user.color) ? state.user.color.slice(0, 7) : "#5b626c";
    // y-codemirror.next draws a name anew only when its colour differs: the last digit, hardly visible, is the name's.
    const mark = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 16, 0);
    state.user = { name, color: `${color}f${mark.toString(16)}`, colorLight: `${color}33` };
  }
  keepColoursApart();
  view.showPeople(awareness);
});
addEventListener("pagehide", () => removeAwarenessStates(awareness, [awareness.clientID], "closed"));

let colour;
let ownName = "";

/** A colour that nobody who is here has, if there is one left. */
function freeColour() {
  const others = [...awareness.getStates()].filter(([id]) => id !== awareness.clientID);
  const taken = others.map(([, state]) => state.user?.color?.slice(0, 7));
  return colours.find((each) => !taken.includes(each)) ?? colour ?? colours[awareness.clientID % colours.length];
}

/** Two may have chosen alike before they knew of each other: whoever has the larger id chooses again. */
function keepColoursApart() {
  const isTaken = [...awareness.getStates()].some(([id, { user }]) => id < awareness.clientID && user?.color?.slice(0, 7) === colour);
  if (!isTaken || colour === undefined) return;
  const free = freeColour();
  if (free !== colour) showMyself(free);
}

function showMyself(color) {
  colour = color;
  awareness.setLocalStateField("user", { name: ownName, color, colorLight: `${color}33` });
}

function setName(name) {
  ownName = name;
  showMyself(colour ?? freeColour());
}

const style = HighlightStyle.define([
  { tag: tags.heading, fontWeight: "700" }, { tag: tags.strong, fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" }, { tag: tags.link, color: "var(--accent)" },
  { tag: tags.processingInstruction, color: "var(--soft)" }, { tag: tags.monospace, color: "var(--soft)" },
]);
const editor = new EditorView({
  parent: document.getElementById("editor"),
  state: EditorState.create({
    doc: text.toString(),
    extensions: [
      keymap.of([...yUndoManagerKeymap, indentWithTab, ...defaultKeymap]), drawSelection(), markdownUnlessLong(view.showLongLine),
      EditorView.cspNonce.of(document.querySelector("meta[name=nonce]").content), syntaxHighlighting(style), EditorView.lineWrapping, yCollab(text, awareness, { undoManager }),
      EditorView.contentAttributes.of({ "aria-label": "Document text; Escape, then Tab leaves it", spellcheck: "true" }),
    ],
  }),
});

view.connectControls({
  text, setName,
  focusText: () => editor.focus(),
  say: (words, name) => connection.send(Type.chat, JSON.stringify({ name, text: words })),
  invite: (contact) => connection.send(Type.invite, contact),
  join: (person, service) => connection.send(Type.join, `${service} ${person}`),
  answer: (id, accept) => connection.send(Type.answer, `${accept ? "+" : "-"}${id}`),
});
// Firefox and Chromium scroll by keys in the text itself; the box around it is reachable for those who cannot type.
editor.scrollDOM.tabIndex = 0;
editor.focus();
connection.open();
