# SPDX-License-Identifier: GPL-3.0-or-later
"""The node: one participant, its accounts, contacts, shares and tubes."""

from __future__ import annotations

import asyncio
import atexit
import os
import warnings
import weakref
from types import TracebackType
from typing import Any, AsyncIterator, Iterable, Mapping, cast

from tubes import _native
from tubes._bridge import Bridge
from tubes._native import Endpoint
from tubes.room import Room
from tubes.tube import Events, Share, Tube, as_endpoint
from tubes.types import (AccountChanged, AccountInfo, AccountState, AddressPolicy, ContactInfo, Finding, OfferedService,
                         Parameters, PendingInfo, PingInfo, PinInfo, Policy, RequestPending, Status, TubeKind)

_LINGER = 2.0
"""Seconds that closing a node waits for the peers of closed streams to end, so that what was written arrives."""

_LOCAL_DEADLINE = 5.0
"""Seconds that opening waits for the programs on this machine; they answer within milliseconds."""

_nodes: weakref.WeakSet[Node] = weakref.WeakSet()


class Pending:
    """Somebody waits for this user's answer: a request for one of our services, or an offer made to us."""

    def __init__(self, node: Node, info: PendingInfo) -> None:
        self._node = node
        self.info = info

    async def reject(self) -> None:
        """Says no."""
        await self._node.answer(self.info.id, False)


class Request(Pending):
    """A contact asks to use a service that this node shares."""

    async def accept(self) -> None:
        """Lets the contact in."""
        await self._node.answer(self.info.id, True)


class Offer(Pending):
    """A contact offers a tube."""

    async def accept(self) -> Tube:
        """Accepts it. The errors of Node.connect, and Taken, Withdrawn, Expired."""
        return await self._node.accept_offer(self.info.id)


class Node:
    """One participant. Open it with `async with tubes.Node() as node:`, inside a running event loop; everything that it
    opened closes with it. Its operations belong to that loop's thread; use tubes.blocking in scripts without a loop.

    profile: keeps identities and settings apart. home: where configuration and state live (default: XDG directories,
    or $TUBES_HOME). use_local: meet this user's other programs on this machine, without any account.
    use_configured_accounts: log in the accounts of the configuration. settings: values that win over environment and
    file, by the names of tubes.effective_config(). resource: this node's name among this user's nodes.
    """

    def __init__(self, *, profile: str = "", home: str | os.PathLike[str] = "", use_local: bool = True,
                 use_configured_accounts: bool = True, settings: Mapping[str, str] | None = None,
                 resource: str = "") -> None:
        self._options: _native.NodeOptions = (profile, os.fspath(home), use_local, use_configured_accounts,
                                              dict(settings or {}), resource)
        self._opened: _native.Node | None = None
        self._opened_bridge: Bridge | None = None
        self._closing: asyncio.Task[None] | None = None

    # Opening and closing

    async def open(self) -> Node:
        """Opens the node; `async with` does. This user's other programs on this machine can be met when it returns,
        accounts go on logging in. StateTooNew, StateCorrupt, InvalidArgument, AlreadyExists."""
        if self._opened is not None:
            raise RuntimeError("the node was opened before; make another one")
        loop = asyncio.get_running_loop()
        self._opened = await loop.run_in_executor(None, _native.open_node, self._options)
        self._opened_bridge = Bridge(loop)
        self._opened.attach(self._opened_bridge.native)
        _nodes.add(self)
        if self._options[2]:
            await self._wait_local()
        return self

    async def _wait_local(self) -> None:
        try:
            async with asyncio.timeout(_LOCAL_DEADLINE), self.events() as events:
                accounts = (await self.status()).accounts
                while not any(each.name == "local" and each.state is AccountState.ONLINE for each in accounts):
                    event = await events.next()
                    accounts = (event.account,) if isinstance(event, AccountChanged) else ()
        except TimeoutError:
            pass  # status() says why it is not online
        except BaseException:
            await self.close()
            raise

    @property
    def is_open(self) -> bool:
        """True between open() and close()."""
        return self._opened_bridge is not None and self._opened_bridge.is_usable and self._closing is None

    async def close(self) -> None:
        """Closes everything; outstanding operations end with Cancelled. Waits (at most 5 s) for the node's thread, so
        that a new node can take its place. Idempotent."""
        if self._opened is None or self._opened_bridge is None or not self._opened_bridge.is_usable:
            return
        if self._closing is None:
            self._closing = self._opened_bridge.loop.create_task(self._close(self._opened, self._opened_bridge))
        await asyncio.shield(self._closing)

    async def _close(self, native: _native.Node, bridge: Bridge) -> None:
        give_up = bridge.loop.time() + _LINGER
        while bridge.lingering and bridge.loop.time() < give_up:
            await asyncio.sleep(0.01)
        native.close()
        await bridge.loop.run_in_executor(None, native.release)
        bridge.close()
        _nodes.discard(self)

    def _release(self) -> None:
        """Without a loop: the interpreter ends, or the node was forgotten."""
        if self._opened is None or self._opened_bridge is None or not self._opened_bridge.is_usable:
            return
        self._opened.release()
        self._opened_bridge.close()

    async def __aenter__(self) -> Node:
        return await self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    def __del__(self) -> None:
        if getattr(self, "_closing", None) is None and self.is_open:
            warnings.warn("a Node was not closed; use `async with`", ResourceWarning, source=self)
            self._release()

    @property
    def _native(self) -> _native.Node:
        self._bridge.check()
        assert self._opened is not None
        return self._opened

    @property
    def _bridge(self) -> Bridge:
        if self._opened_bridge is None:
            raise RuntimeError("the node is not open; use `async with tubes.Node() as node:`")
        return self._opened_bridge

    async def _wait(self, ticket: int) -> Any:
        return await self._bridge.wait(ticket)

    # Accounts

    async def login(self, address: str, password: str = "", *, host: str = "", direct_tls: bool = False,
                    ca_file: str | os.PathLike[str] = "", pinned_certificate: str = "", allow_plain: bool = False,
                    remember: bool = True, deadline: float = 30.0) -> AccountInfo:
        """Logs an account in; returns when it is online. Without a password: the stored one. host: "host:port" instead
        of what DNS says, with TLS from the first byte where direct_tls. ca_file: trusts these authorities instead of
        the system's. pinned_certificate: trusts exactly the certificate with this SHA-256. remember: keeps the account
        and its password. AuthenticationFailed, CertificateRejected, NetworkUnreachable, TimedOut, AlreadyExists."""
        return cast(AccountInfo, await self._wait(self._native.login(
            self._bridge.native, address, password, host, direct_tls, os.fspath(ca_file), pinned_certificate,
            allow_plain, remember, deadline)))

    async def logout(self, account: str, *, forget: bool = False) -> None:
        """Logs an account out; with `forget` also removes it and its password from the configuration. NotFound."""
        await self._wait(self._native.logout(self._bridge.native, account, forget))

    async def wait_accounts(self, deadline: float = 30.0) -> tuple[AccountInfo, ...]:
        """Waits until no account is connecting any more, at most `deadline` seconds."""
        ticket = self._native.wait_accounts(self._bridge.native, deadline)
        return cast(tuple[AccountInfo, ...], await self._wait(ticket))

    async def status(self) -> Status:
        """Everything at this moment: accounts, shares, tubes, links and how they are reached, pending requests."""
        return cast(Status, await self._wait(self._native.status(self._bridge.native)))

    # Contacts

    async def contacts(self) -> tuple[ContactInfo, ...]:
        """All contacts of all accounts, with the devices that are online."""
        return cast(tuple[ContactInfo, ...], await self._wait(self._native.contacts(self._bridge.native)))

    async def services(self, contact: str = "") -> tuple[OfferedService, ...]:
        """What a contact's devices offer to this user; without a contact: this user's programs on this machine."""
        return cast(tuple[OfferedService, ...], await self._wait(self._native.services(self._bridge.native, contact)))

    async def add_contact(self, contact: str) -> None:
        """Asks to see a contact's presence, and allows ours."""
        await self._wait(self._native.add_contact(self._bridge.native, contact))

    async def answer_contact(self, contact: str, allow: bool) -> None:
        """Answers a SubscriptionRequested event."""
        await self._wait(self._native.answer_contact(self._bridge.native, contact, allow))

    async def remove_contact(self, contact: str) -> None:
        """Removes a contact; its tubes close."""
        await self._wait(self._native.remove_contact(self._bridge.native, contact))

    # Shares and tubes

    async def share(self, service: str, target: Endpoint | str | int | None = None, *,
                    kind: TubeKind = TubeKind.STREAM, parameters: Parameters | None = None, account: str = "",
                    audience: Iterable[str] = (), policy: Policy = Policy.ASK,
                    trust_first_key: bool = False, webrtc: bool = False) -> Share:
        """Shares a service until the Share is closed. target: a port of 127.0.0.1, "host:port", "unix:/path", an
        Endpoint, or None: this program takes the connections (Share.accept, Share.serve). Of kind DBUS the service is a
        D-Bus name and the target Endpoint.dbus(). audience: contacts; without:
        this user's programs on this machine. policy: whether to ask (requests()). webrtc: also for WebRTC programs of
        the audience, such as pages, which have no device key. AlreadyExists, InvalidArgument, NotFound (account)."""
        ticket = self._native.share(self._bridge.native, service, as_endpoint(target), kind.value,
                                    dict(parameters or {}), account, list(audience), policy.value, trust_first_key,
                                    webrtc)
        return Share(self._bridge, await self._wait(ticket))

    async def offer(self, contact: str, service: str, target: Endpoint | str | int | None = None, *,
                    kind: TubeKind = TubeKind.STREAM, parameters: Parameters | None = None, account: str = "",
                    lifetime: float = 600.0) -> Share:
        """Proposes one tube to one contact; the outcome comes as the event TubeOpened or OfferEnded."""
        await self.wait_accounts()
        ticket = self._native.offer(self._bridge.native, contact, service, as_endpoint(target), kind.value,
                                    dict(parameters or {}), account, lifetime)
        return Share(self._bridge, await self._wait(ticket))

    async def connect(self, service: str, contact: str = "", *, peer: str = "", kind: TubeKind = TubeKind.STREAM,
                      parameters: Parameters | None = None, account: str = "", deadline: float = 60.0) -> Tube:
        """Opens a tube to a contact's share; without a contact: to this user's own on this machine. peer: only this
        device (PeerInfo.address). Waits for accounts that are still connecting. Cancelling the task takes the request
        back. Offline, NotAvailable, Refused, TimedOut,
        NoPath, KeyChanged, IdentityMismatch, NotConnected."""
        if contact:
            await self.wait_accounts(min(deadline, 30.0))
        ticket = self._native.connect(self._bridge.native, contact, service, peer, kind.value, dict(parameters or {}),
                                      account, deadline)
        return Tube(self._bridge, await self._wait(ticket))

    async def join_room(self, room: str, nick: str = "", *, password: str = "", account: str = "",
                        addresses: AddressPolicy | None = None, history: int = 20, deadline: float = 30.0) -> Room:
        """Joins a room, and makes it if its server lets us; returns when the occupants are known. nick: without, the
        account's name and a few random characters, since each device needs its own. addresses: which of them links
        with occupants may use; without, relayed ones only, but for people whose key is accepted. history: messages
        from before that the room may send. AlreadyExists (nickname taken), AuthenticationFailed (password), Refused
        (banned), NotAvailable (members only), LimitExceeded (full), NotFound, Unsupported, NotConnected, TimedOut."""
        await self.wait_accounts(min(deadline, 30.0))
        ticket = _native.Room.join(self._native, self._bridge.native, room, nick, password, account,
                                   None if addresses is None else addresses.value, history, deadline)
        return Room(self._bridge, await self._wait(ticket))

    async def accept_offer(self, id: str) -> Tube:
        """Accepts an offer by its id (PendingInfo.id)."""
        return Tube(self._bridge, await self._wait(self._native.accept_offer(self._bridge.native, id)))

    async def take_tube(self, id: str) -> Tube:
        """Takes charge of a tube that a standing "always" accepted: TubeOpened.tube.id where it is not incoming.
        NotFound, also when it was taken before."""
        return Tube(self._bridge, await self._wait(self._native.take_tube(self._bridge.native, id)))

    async def answer(self, id: str, accept: bool) -> None:
        """Answers a request for one of our services, or rejects an offer. NotFound."""
        await self._wait(self._native.answer(self._bridge.native, id, accept))

    async def _pending(self, is_offer: bool) -> AsyncIterator[PendingInfo]:
        async with self.events() as events:
            known = set()
            for info in (await self.status()).pending:
                if info.is_offer == is_offer:
                    known.add(info.id)
                    yield info
            async for event in events:
                if isinstance(event, RequestPending) and event.request.is_offer == is_offer:
                    if event.request.id not in known:
                        known.add(event.request.id)
                        yield event.request

    async def offers(self) -> AsyncIterator[Offer]:
        """What contacts offer to this user: what waits now, then each new one, until the node is closed."""
        async for info in self._pending(True):
            yield Offer(self, info)

    async def requests(self) -> AsyncIterator[Request]:
        """Who asks to use a service of this node: who waits now, then each new one, until the node is closed."""
        async for info in self._pending(False):
            yield Request(self, info)

    def events(self) -> Events:
        """A new subscription; events from now on."""
        return Events(self._bridge, self._native.events())

    # Examining

    async def ping(self, contact: str = "", deadline: float = 10.0) -> tuple[PingInfo, ...]:
        """Round trip to each device of a contact; opens nothing."""
        return cast(tuple[PingInfo, ...], await self._wait(self._native.ping(self._bridge.native, contact, deadline)))

    async def diagnose(self) -> tuple[Finding, ...]:
        """What stands in the way of connections here (`tube doctor`); up to 10 s."""
        return cast(tuple[Finding, ...], await self._wait(self._native.diagnose(self._bridge.native)))

    # Trust

    async def pins(self, contact: str) -> tuple[PinInfo, ...]:
        """Keys seen for a contact, with the digits to compare."""
        return cast(tuple[PinInfo, ...], await self._wait(self._native.pins(self._bridge.native, contact)))

    async def set_pin(self, contact: str, device: str, verified: bool) -> None:
        """Marks a key (PinInfo.device) verified, or forgets it and closes its tubes."""
        await self._wait(self._native.set_pin(self._bridge.native, contact, device, verified))

    async def compare(self, contact: str) -> str:
        """A short text that both ends of a live link with the contact see alike, when both ask. NotFound without a link."""
        return cast(str, await self._wait(self._native.compare(self._bridge.native, contact)))

    async def set_policy(self, contact: str, service: str, policy: Policy) -> None:
        """Sets the standing policy for a contact and service ("": all services). Closes what it forbids. Kept."""
        await self._wait(self._native.set_policy(self._bridge.native, contact, service, policy.value))


def _release_all() -> None:
    for node in list(_nodes):
        node._release()


atexit.register(_release_all)
