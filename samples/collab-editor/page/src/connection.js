// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket to the program on this machine: one message is a type byte and what follows it (protocol.hpp).
import { Type } from "./types.js";

export { Type };

export class Connection {
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.wait = 200;
  }

  async open() {
    const token = location.hash.slice(1);
    if (token !== "") {
      const reply = await fetch("/session", { method: "POST", body: token }).catch(() => null);
      if (reply?.ok) history.replaceState(null, "", location.pathname);
    }
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`ws://${location.host}/socket`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.wait = 200; this.onState(true); };
    this.socket.onmessage = (event) => {
      const bytes = new Uint8Array(event.data);
      this.onMessage(bytes[0], bytes.subarray(1));
    };
    this.socket.onclose = () => {
      this.onState(false);
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, 3000);
    };
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  send(type, payload = new Uint8Array()) {
    if (!this.isOpen) return false;
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    const message = new Uint8Array(bytes.length + 1);
    message[0] = type;
    message.set(bytes, 1);
    this.socket.send(message);
    return true;
  }
}
