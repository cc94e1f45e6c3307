// SPDX-License-Identifier: GPL-3.0-or-later
// One WebRTC session to one service: between the browser's descriptions and Jingle (docs/protocol.md, "Foreign peers").
import { xml } from "@xmpp/client";

import { jingleNamespace, tubes } from "./account.js";

const ice = "urn:xmpp:jingle:transports:ice-udp:1";
const dtls = "urn:xmpp:jingle:apps:dtls:0";
const sctp = "urn:xmpp:jingle:transports:dtls-sctp:1";

const field = (sdp, name) => new RegExp(`^a=${name}:(.*?)\r?$`, "m").exec(sdp)[1];

function candidateElement(line, id) {
  const [foundation, component, protocol, priority, ip, port, , type] = line.replace("candidate:", "").split(" ");
  return xml("candidate", { foundation, component, protocol: protocol.toLowerCase(), priority, ip, port, type, id,
    generation: "0", network: "0" });
}

function candidateLine({ attrs }) {
  return `candidate:${attrs.foundation} ${attrs.component} ${attrs.protocol} ${attrs.priority} ${attrs.ip} ` +
    `${attrs.port} typ ${attrs.type}`;
}

function answerSdp(transport) {
  const fingerprint = transport.getChild("fingerprint", dtls);
  const map = transport.getChild("sctpmap", sctp);
  return ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0",
    `a=ice-ufrag:${transport.attrs.ufrag}`, `a=ice-pwd:${transport.attrs.pwd}`, "a=ice-options:trickle",
    `a=fingerprint:sha-256 ${fingerprint.getText()}`, `a=setup:${fingerprint.attrs.setup}`,
    `a=sctp-port:${map.attrs.number}`, "a=max-message-size:262144", ""].join("\r\n");
}

/** Resolves once the connection is up; rejects with the condition of a refusal. */
export async function open(account, to, service) {
  const connection = new RTCPeerConnection();
  const sid = crypto.randomUUID();
  const content = (...children) => xml("content", { creator: "initiator", name: "data" }, ...children);
  const jingle = (action, ...children) =>
    xml("jingle", { xmlns: jingleNamespace, action, sid, initiator: account.address }, ...children);
  const initiated = Promise.withResolvers();
  let known = 0;
  connection.onicecandidate = async ({ candidate }) => {
    if (!candidate?.candidate) return;
    await initiated.promise;
    const transport = xml("transport", { xmlns: ice }, candidateElement(candidate.candidate, `c${known++}`));
    await account.ask(to, jingle("transport-info", content(transport))).catch(() => {});
  };
  const up = new Promise((resolve, reject) => {
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") resolve();
      if (connection.connectionState === "failed") reject(new Error("failed"));
    };
    account.sessions.set(sid, async (element) => {
      const transport = element.getChild("content")?.getChild("transport", ice);
      if (element.attrs.action === "session-terminate") {
        connection.close();
        reject(new Error(element.getChild("reason").children[0].name));
      } else if (element.attrs.action === "session-accept") {
        await connection.setRemoteDescription({ type: "answer", sdp: answerSdp(transport) });
      } else if (element.attrs.action === "transport-info") {
        for (const each of transport.getChildren("candidate")) {
          await connection.addIceCandidate({ candidate: candidateLine(each), sdpMid: "0" });
        }
      }
    });
  });
  up.catch(() => {});
  connection.createDataChannel("first");
  await connection.setLocalDescription();
  const { sdp } = connection.localDescription;
  const fingerprint = xml("fingerprint", { xmlns: dtls, hash: "sha-256", setup: field(sdp, "setup") },
    field(sdp, "fingerprint").split(" ")[1]);
  const map = xml("sctpmap", { xmlns: sctp, number: "5000", protocol: "webrtc-datachannel", streams: "1024" });
  const transport = xml("transport", { xmlns: ice, ufrag: field(sdp, "ice-ufrag"), pwd: field(sdp, "ice-pwd") },
    fingerprint, map);
  const description = xml("description", { xmlns: tubes }, xml("request", { service, kind: "stream" }));
  try {
    await account.ask(to, jingle("session-initiate", content(description, transport)));
  } catch (error) {
    connection.close();
    throw new Error(error.condition ?? error.message);
  }
  initiated.resolve();
  await up;
  return { connection };
}
