// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket to the program on this machine: one message is a type byte and what follows it (protocol.hpp). Before
// anything else both prove who they are (http_guard.hpp): a page that was just loaded by the token of this run, one that
// was open before the program started by the document's key, which never leaves its memory.
import { Type } from "./types.js";

export { Type };

const kTokenPlace = "token";  // in this tab's storage, for when the page is loaded again
const kNotBelieved = 1008;    // the close code (RFC 6455, policy violation)
const kPatience = 10000;      // ms for the proof
const kReconnecting = "reconnecting, your edits are kept";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const hexadecimal = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Connection {
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.wait = 200;
    this.key = null;
  }

  async open() {
    this.token = location.hash.slice(1);
    if (this.token === "") this.token = sessionStorage.getItem(kTokenPlace) ?? "";
    if (this.token === "") return this.onState(false, "open the address that the program printed");
    if (location.hash !== "") {
      const reply = await fetch("/session", { method: "POST", body: this.token }).catch(() => null);
      if (!reply?.ok) return this.onState(false, "this address is not valid any more: open the one that the program printed");
      history.replaceState(null, "", location.pathname);
    }
    this.connect();
  }

  connect() {
    const socket = new WebSocket(`ws://${location.host}/socket`);
    let proving = Promise.resolve();
    let isLost = false;
    // Whoever answers may also never say that it is over.
    const lose = (words, isForGood = false) => {
      if (isLost) return;
      isLost = true;
      clearTimeout(patience);
      this.isProven = false;
      socket.close();
      this.onState(false, words);
      if (isForGood) return;
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, 3000);
    };
    const patience = setTimeout(() => { if (!this.isProven) lose(kReconnecting); }, kPatience);
    this.socket = socket;
    this.isProven = false;
    this.nonces = null;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      const bytes = new Uint8Array(event.data);
      if (isLost) return;
      if (this.isProven) return this.onMessage(bytes[0], bytes.subarray(1));
      proving = proving.then(() => (this.isProven ? this.onMessage(bytes[0], bytes.subarray(1))
        : this.prove(socket, bytes[0], decoder.decode(bytes.subarray(1))))).catch((error) => lose(error.message));
    };
    socket.onclose = ({ code }) => (code === kNotBelieved
      ? lose("this page is not known to the program any more: open the address that it printed", true) : lose(kReconnecting));
  }

  /** One of the two messages before the program is believed. */
  async prove(socket, type, words) {
    if (type === Type.challenge && !this.nonces) {
      if (this.key === null) return this.write(socket, Type.challenge, `token ${this.token}`);
      const mine = hexadecimal(crypto.getRandomValues(new Uint8Array(32)));
      this.nonces = `${words}:${mine}`;
      return this.write(socket, Type.challenge, `key ${mine} ${await this.sign("page")}`);
    }
    const [kind, proof, token] = words.split(" ");
    if (type !== Type.welcome) throw new Error(kReconnecting);
    if (kind === "key" && this.key === null) {
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      this.key = await crypto.subtle.importKey("raw", encoder.encode(proof), algorithm, false, ["sign"]);
    } else if (kind === "proof" && this.nonces && proof === await this.sign("program")) {
      this.token = token;
    } else {
      throw new Error("another program answers at this page's address; your edits are kept here");
    }
    if (socket.readyState !== WebSocket.OPEN) return;  // given up meanwhile
    sessionStorage.setItem(kTokenPlace, this.token);
    this.isProven = true;
    this.wait = 200;
    this.onState(true);
  }

  async sign(role) {
    const text = encoder.encode(`${role}:${location.port}:${this.nonces}`);
    return hexadecimal(await crypto.subtle.sign("HMAC", this.key, text));
  }

  get isOpen() { return this.isProven && this.socket.readyState === WebSocket.OPEN; }

  send(type, payload = new Uint8Array()) {
    if (!this.isOpen) return false;
    this.write(this.socket, type, payload);
    return true;
  }

  write(socket, type, payload) {
    const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
    const message = new Uint8Array(bytes.length + 1);
    message[0] = type;
    message.set(bytes, 1);
    socket.send(message);
  }
}
