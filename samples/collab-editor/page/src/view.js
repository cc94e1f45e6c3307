// SPDX-License-Identifier: GPL-3.0-or-later
// What is around the text: people, chat, preview, connection state. All that others wrote is set as text, never as
// markup; the preview is the one exception and goes through DOMPurify.
import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";

const find = (id) => document.getElementById(id);
const markdown = new MarkdownIt({ html: false, linkify: false });
const kMaxChatLines = 500;
const shorten = (value, length) => String(value ?? "").slice(0, length);
let act;
let shownContacts;
const kPreviewAfter = 150;  // ms; ten times what drawing it took, so that a large text leaves time for typing
let previewAfter = kPreviewAfter;
let previewTimer;

function element(tag, words, ...children) {
  const made = document.createElement(tag);
  made.textContent = words;
  made.append(...children);
  return made;
}

function button(words, label, onClick) {
  const made = element("button", words);
  made.setAttribute("aria-label", label);
  made.onclick = onClick;
  return made;
}

export function showState(words) {
  if (find("state").textContent !== words) find("state").textContent = words;
}

/** While there is no document, there is nowhere to type. */
function showWaiting(isWaiting) {
  find("welcome").hidden = !isWaiting;
  find("editor").hidden = isWaiting;
}

/** The document is open. */
export function showDocument() {
  if (!find("editor").hidden) return;
  showWaiting(false);
  act.focusText();
}

export function showLongLine(isLong) { find("long-line").hidden = !isLong; }

/** Whoever is there, what they share with us, and whom we may invite; drawn anew only when it changed, so that a button
 * that has the keyboard's focus keeps it. */
function showContacts(contacts) {
  const words = JSON.stringify(contacts);
  if (words === shownContacts) return;
  shownContacts = words;
  find("contacts").replaceChildren(...contacts.map((contact) => {
    const address = shorten(contact.address, 200);
    const who = address === "local" ? "your other programs" : contact.room ? `${address}, in the room` : address;
    const item = element("li", "", element("span", who));
    if (contact.invite) item.append(button("Invite", `Invite ${who}`, () => act.invite(contact.address)));
    const shared = (contact.documents ?? []).map(({ title, service }) => element("li", "",
      element("span", `shares ${shorten(title, 80)}`),
      button("Join", `Join ${shorten(title, 80)} of ${who}`, () => act.join(contact.address, service))));
    if (shared.length > 0) item.append(element("ul", "", ...shared));
    return item;
  }));
  if (contacts.length === 0) find("contacts").append(element("li", "Nobody is online who could edit with you."));
}

export function showStatus(status) {
  const title = shorten(status.title, 80) || "No document yet";
  if (document.title !== title) find("title").textContent = document.title = title;
  showState(status.state);
  const isWaiting = shorten(status.title, 80) === "";
  if (isWaiting && find("welcome").hidden && find("side").hidden) toggle("show-side", "side");
  if (isWaiting) showWaiting(true);
  if (find("name").value === "") changeName(shorten(status.name, 40));
  showContacts(status.contacts ?? []);
  find("requests").replaceChildren(...(status.requests ?? []).map((request) => element("div",
    request.invitation ? `${shorten(request.contact, 200)} invites you to ${shorten(request.invitation, 80)}`
      : `${shorten(request.contact, 200)} asks to edit this document`,
    button("Accept", "Accept", () => act.answer(request.id, true)),
    button("Refuse", "Refuse", () => act.answer(request.id, false)))));
}

export function showPeople(awareness) {
  const people = [...awareness.getStates().entries()].filter(([, state]) => state.user).slice(0, 64);
  find("people").replaceChildren(...people.map(([id, state]) => {
    const item = element("li", shorten(state.user.name, 40) + (id === awareness.clientID ? " (you)" : ""));
    const color = shorten(state.user.color, 7);
    item.style.setProperty("--mark", /^#[0-9a-f]{6}$/.test(color) ? color : "#777777");
    return item;
  }));
}

export function showChat(message) {
  const chat = find("chat");
  chat.append(element("p", `${shorten(message.name, 40)}: ${shorten(message.text, 1000)}`));
  while (chat.childElementCount > kMaxChatLines) chat.firstChild.remove();
  chat.scrollTop = chat.scrollHeight;
  if (find("side").hidden) find("show-side").textContent = "People •";
}

export function showPreview(text) {
  if (find("preview").hidden || previewTimer) return;
  previewTimer = setTimeout(() => {
    previewTimer = undefined;
    const begun = performance.now();
    find("preview").innerHTML = DOMPurify.sanitize(markdown.render(text.toString()), {
      FORBID_TAGS: ["img", "style", "form", "input", "video", "audio", "svg", "math"], FORBID_ATTR: ["style"],
    });
    for (const link of find("preview").querySelectorAll("a")) link.rel = "noopener noreferrer", link.target = "_blank";
    previewAfter = Math.max(kPreviewAfter, 10 * (performance.now() - begun));
  }, previewAfter);
}

function changeName(name) {
  find("name").value = name;
  act.setName(name || "somebody");
}

function toggle(buttonId, panelId) {
  const panel = find(panelId);
  panel.hidden = !panel.hidden;
  find(buttonId).setAttribute("aria-pressed", String(!panel.hidden));
}

export function connectControls(actions) {
  act = actions;
  const preview = () => { toggle("show-preview", "preview"); showPreview(act.text); };
  const side = () => { toggle("show-side", "side"); find("show-side").textContent = "People"; };
  // By keys the focus goes along; Escape takes it back to the text.
  const sideByKeys = () => {
    side();
    if (find("side").hidden) act.focusText();
    else find("words").focus();
  };
  find("side").onkeydown = (event) => { if (event.key === "Escape") act.focusText(); };
  find("show-preview").onclick = preview;
  find("show-side").onclick = side;
  addEventListener("keydown", (event) => {
    if (!event.ctrlKey || !event.shiftKey) return;
    const handler = { KeyP: preview, KeyU: sideByKeys }[event.code];
    if (handler) { event.preventDefault(); handler(); }
  });
  find("name").onchange = () => changeName(find("name").value);
  find("say").onsubmit = (event) => {
    event.preventDefault();
    const words = find("words").value.trim();
    if (words === "" || !act.say(words, find("name").value)) return;
    showChat({ name: find("name").value, text: words });
    find("words").value = "";
  };
}
