// SPDX-License-Identifier: GPL-3.0-or-later
// Just enough of WebSocket (RFC 6455) and of a tube's messages to play an attacker: short frames, no fragments.
import { createHash, randomBytes } from "node:crypto";
import { createServer, request } from "node:http";

const kBinary = 0x82;

/** One binary frame; clients mask theirs. */
export function frame(body, isClient) {
  const mask = isClient ? randomBytes(4) : Buffer.alloc(0);
  const bytes = Buffer.from(body);
  if (isClient) bytes.forEach((byte, i) => { bytes[i] = byte ^ mask[i % 4]; });
  const size = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
  if (isClient) size[0] |= 0x80;
  return Buffer.concat([Buffer.from([kBinary, ...size]), mask, bytes]);
}

/** Calls `hear(opcode, body)` for every frame that arrives. */
export function readFrames(socket, hear) {
  let pending = Buffer.alloc(0);
  socket.on("data", (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      if (pending.length < 2) return;
      let size = pending[1] & 127, at = 2;
      if (size === 126) { if (pending.length < 4) return; size = pending.readUInt16BE(2); at = 4; }
      if (size === 127) { if (pending.length < 10) return; size = Number(pending.readBigUInt64BE(2)); at = 10; }
      const mask = pending[1] & 128 ? pending.subarray(at, at + 4) : null;
      if (mask) at += 4;
      if (pending.length < at + size) return;
      const body = Buffer.from(pending.subarray(at, at + size));
      if (mask) body.forEach((byte, i) => { body[i] = byte ^ mask[i % 4]; });
      hear(pending[0] & 15, body);
      pending = pending.subarray(at + size);
    }
  });
  socket.on("error", () => {});
}

/** Knocks at an editor's socket like a browser that has `cookie`; resolves with what it was sent until it was closed. */
export function knockAtSocket(port, cookie, answer) {
  const host = `127.0.0.1:${port}`;
  const headers = { Host: host, Origin: `http://${host}`, Cookie: cookie, Connection: "Upgrade", Upgrade: "websocket",
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": randomBytes(16).toString("base64") };
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path: "/socket", headers }, (reply) => resolve([`status ${reply.statusCode}`]));
    call.on("error", reject);
    call.on("upgrade", (reply, socket, early) => {
      const heard = [];
      socket.unshift(early);
      readFrames(socket, (opcode, body) => {
        heard.push(opcode === 8 ? `closed ${body.readUInt16BE(0)}` : body);
        if (opcode === 8) socket.destroy();
        else if (heard.length === 1) socket.write(frame(answer(body.subarray(1).toString()), true));
      });
      socket.on("close", () => resolve(heard));
    });
    call.end();
  });
}

/** Somebody else's program at a page's port: answers sockets, and keeps all that it is sent. */
export async function squat(port) {
  const heard = { requests: [], frames: [], sockets: new Set() };
  const server = createServer((incoming, reply) => { heard.requests.push(incoming.url); reply.end("not the editor"); });
  server.on("upgrade", (incoming, socket) => {
    heard.sockets.add(socket);
    heard.requests.push(incoming.headers.cookie);
    const digest = createHash("sha1").update(`${incoming.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + `Sec-WebSocket-Accept: ${digest.digest("base64")}\r\n\r\n`);
    socket.write(frame(Buffer.concat([Buffer.from([24]), Buffer.from("0".repeat(64))])));
    readFrames(socket, (opcode, body) => {
      if (opcode !== 2) return;
      heard.frames.push(body);
      socket.write(frame(Buffer.concat([Buffer.from([25]), Buffer.from(`proof ${"1".repeat(64)} ${"2".repeat(64)}`)])));
    });
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  const close = () => {
    for (const socket of heard.sockets) socket.destroy();
    return new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  };
  return { heard, close };
}
