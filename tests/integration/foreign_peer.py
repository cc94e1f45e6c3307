#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that knows nothing of Tubes but how to name a service: aiortc's data channels, signaled by slixmpp as
docs/protocol.md, "Foreign peers", says."""

from __future__ import annotations

import asyncio
import re
import secrets
import xml.etree.ElementTree as ET
from typing import Any

import aioice.ice
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

JINGLE = "urn:xmpp:jingle:1"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
SCTP = "urn:xmpp:jingle:transports:dtls-sctp:1"
TUBES = "urn:tubes:protocol:0"
MESSAGE = 16 * 1024
BUFFERED = 1024 * 1024

# aioice leaves out loopback, where these tests run.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Refused(Exception):
    """The session was refused or ended; the argument is the condition."""


def field(sdp: str, name: str) -> str:
    """The first attribute of that name in a session description."""
    found = re.search(rf"^a={name}:(.*?)\r?$", sdp, re.MULTILINE)
    assert found, f"no {name} in {sdp}"
    return found.group(1)


def candidate_element(line: str) -> ET.Element:
    """A candidate of a session description as XEP-0176 writes it."""
    parsed = candidate_from_sdp(line)
    return ET.Element(f"{{{ICE}}}candidate", {
        "component": str(parsed.component), "foundation": parsed.foundation, "generation": "0",
        "id": secrets.token_hex(4), "ip": parsed.ip, "network": "0", "port": str(parsed.port),
        "priority": str(parsed.priority), "protocol": parsed.protocol, "type": parsed.type})


def candidate_line(element: ET.Element) -> str:
    """The other way."""
    get = element.attrib
    return (f"{get['foundation']} {get['component']} {get['protocol']} {get['priority']} {get['ip']} {get['port']} "
            f"typ {get['type']}")


class Account:
    """A log-in of somebody who uses no Tubes."""

    def __init__(self, address: str, password: str, server: dict[str, Any]) -> None:
        self.client = ClientXMPP(f"{address}/page-{secrets.token_hex(4)}", password)
        self.client.loop = asyncio.get_running_loop()
        self.client.ca_certs = server["ca"]
        self._server = server
        self._devices: dict[str, asyncio.Future[str]] = {}
        self._sessions: dict[str, asyncio.Queue[ET.Element]] = {}
        self.client.add_event_handler("presence_available", self._on_presence)
        self.client.register_handler(Callback("jingle", MatchXPath(f"{{jabber:client}}iq/{{{JINGLE}}}jingle"),
                                              self._on_jingle))

    def _device(self, bare: str) -> asyncio.Future[str]:
        return self._devices.setdefault(bare, self.client.loop.create_future())

    def _on_presence(self, presence: Any) -> None:
        found = self._device(presence["from"].bare)
        if presence["from"].resource.startswith("tube-") and not found.done():
            found.set_result(presence["from"].full)

    def _on_jingle(self, iq: Any) -> None:
        jingle = iq.xml.find(f"{{{JINGLE}}}jingle")
        iq.reply().send()
        if jingle.get("sid") in self._sessions:
            self._sessions[jingle.get("sid")].put_nowait(jingle)

    async def log_in(self) -> None:
        """Until presence is out."""
        ready = self.client.loop.create_future()
        self.client.add_event_handler("session_start", lambda _: ready.done() or ready.set_result(None))
        self.client.connect((f"127.0.0.1", self._server["ports"]["c2s"]))
        await asyncio.wait_for(ready, 20)
        await self.client.get_roster()
        self.client.send_presence()

    async def device_of(self, bare: str) -> str:
        """The full address of a contact's tube."""
        return await asyncio.wait_for(self._device(bare), 20)

    async def send(self, to: str, jingle: ET.Element) -> None:
        """One Jingle element; Refused with the condition of an error."""
        iq = self.client.make_iq_set(ito=to)
        iq.xml.append(jingle)
        try:
            await iq.send(timeout=20)
        except IqError as error:
            raise Refused(error.condition) from error

    def session(self) -> tuple[str, asyncio.Queue[ET.Element]]:
        """A new session's name and what is said about it."""
        sid = secrets.token_hex(16)
        self._sessions[sid] = asyncio.Queue()
        return sid, self._sessions[sid]

    async def log_out(self) -> None:
        """Ends the stream."""
        self.client.disconnect(wait=1)
        await asyncio.wait_for(self.client.disconnected, 10)


class Page:
    """One WebRTC session to one service."""

    def __init__(self, account: Account, to: str, service: str) -> None:
        self.account = account
        self.to = to
        self.service = service
        self.connection = RTCPeerConnection()
        self.first = self.connection.createDataChannel("first")
        self.sid, self.heard = account.session()
        self.actions: list[str] = []
        self.fingerprint: str | None = None

    async def _initiate(self) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sdp = self.connection.localDescription.sdp
        jingle = ET.Element(f"{{{JINGLE}}}jingle", {"action": "session-initiate", "sid": self.sid,
                                                    "initiator": self.account.client.boundjid.full})
        content = ET.SubElement(jingle, f"{{{JINGLE}}}content", {"creator": "initiator", "name": "data"})
        description = ET.SubElement(content, f"{{{TUBES}}}description")
        ET.SubElement(description, f"{{{TUBES}}}request", {"service": self.service, "kind": "stream"})
        transport = ET.SubElement(content, f"{{{ICE}}}transport", {"ufrag": field(sdp, "ice-ufrag"),
                                                                   "pwd": field(sdp, "ice-pwd")})
        print_of = ET.SubElement(transport, f"{{{DTLS}}}fingerprint", {"hash": "sha-256",
                                                                       "setup": field(sdp, "setup")})
        print_of.text = self.fingerprint or field(sdp, "fingerprint").split()[1]
        ET.SubElement(transport, f"{{{SCTP}}}sctpmap", {"number": "5000", "protocol": "webrtc-datachannel",
                                                        "streams": "1024"})
        for line in re.findall(r"^a=candidate:(.*?)\r?$", sdp, re.MULTILINE):
            transport.append(candidate_element(line))
        await self.account.send(self.to, jingle)

    async def next(self, action: str) -> ET.Element:
        """The next element of that action; Refused if the session ends instead."""
        while True:
            jingle = await asyncio.wait_for(self.heard.get(), 40)
            self.actions.append(jingle.get("action"))
            if jingle.get("action") == action:
                return jingle
            if jingle.get("action") == "session-terminate":
                reason = jingle.find(f"{{{JINGLE}}}reason")
                raise Refused(reason[0].tag.split("}")[1] if reason is not None else "")

    async def open(self) -> None:
        """Until the first channel is open."""
        await self._initiate()
        accept = await self.next("session-accept")
        await self.answered(accept)

    async def answered(self, accept: ET.Element) -> None:
        """What session-accept and the candidates after it say, given to aiortc."""
        transport = accept.find(f".//{{{ICE}}}transport")
        print_of = transport.find(f"{{{DTLS}}}fingerprint")
        candidates = (await self.next("transport-info")).iter(f"{{{ICE}}}candidate")
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
                 "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0",
                 f"a=ice-ufrag:{transport.get('ufrag')}", f"a=ice-pwd:{transport.get('pwd')}",
                 f"a=fingerprint:sha-256 {print_of.text}", f"a=setup:{print_of.get('setup')}",
                 f"a=sctp-port:{transport.find(f'{{{SCTP}}}sctpmap').get('number')}", "a=max-message-size:262144"]
        lines += [f"a=candidate:{candidate_line(each)}" for each in candidates]
        await self.connection.setRemoteDescription(RTCSessionDescription("\r\n".join(lines) + "\r\n", "answer"))
        await self.is_open(self.first)

    async def is_open(self, channel: Any) -> None:
        """Until `channel` is open; Refused if the session ends."""
        ended = asyncio.ensure_future(self.next("nothing"))
        while channel.readyState != "open":
            done, _ = await asyncio.wait({ended}, timeout=0.02)
            if done:
                await ended
        ended.cancel()

    async def close(self) -> None:
        """Ends the session, by data channel and by signal."""
        await self.connection.close()


async def send_all(channel: Any, chunks: Any) -> None:
    """Sends messages with no more than BUFFERED bytes waiting."""
    for chunk in chunks:
        while channel.bufferedAmount > BUFFERED:
            await asyncio.sleep(0.005)
        channel.send(chunk)
