// SPDX-License-Identifier: GPL-3.0-or-later
// The page's account, by @xmpp/client over WebSocket: stanzas of Jingle, and who is there.
import { client, xml } from "@xmpp/client";

export const tubes = "urn:tubes:protocol:0";
export const jingleNamespace = "urn:xmpp:jingle:1";

export class Account {
  constructor(service, domain, username, password) {
    this.sessions = new Map();
    this.devices = new Map();
    this.xmpp = client({ service, domain, username, password, resource: "page" });
    this.xmpp.on("stanza", (stanza) => { if (stanza.is("presence")) this.#onPresence(stanza); });
    this.xmpp.on("error", (error) => console.log(`xmpp: ${error.message}`));
    this.xmpp.iqCallee.set(jingleNamespace, "jingle", ({ element }) => {
      this.sessions.get(element.attrs.sid)?.(element);
      return true;
    });
  }

  async online() {
    await this.xmpp.start();
    this.address = this.xmpp.jid.toString();
    await this.xmpp.send(xml("presence"));
  }

  #onPresence(stanza) {
    const [bare, resource] = stanza.attrs.from.split("/");
    if (stanza.attrs.type || !resource?.startsWith("tube-")) return;
    this.#device(bare).resolve(stanza.attrs.from);
  }

  #device(bare) {
    if (!this.devices.has(bare)) {
      const entry = {};
      entry.promise = new Promise((resolve) => { entry.resolve = resolve; });
      this.devices.set(bare, entry);
    }
    return this.devices.get(bare);
  }

  deviceOf(bare) {
    return this.#device(bare).promise;
  }

  /** Sends one Jingle element; throws what the answer says. */
  ask(to, jingle) {
    return this.xmpp.iqCaller.request(xml("iq", { type: "set", to }, jingle), 20000);
  }
}
