# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node tells: accounts, contacts, tubes, links, findings, events. Plain frozen data, the same names as in C++
(tubes/types.hpp, tubes/status.hpp, tubes/config.hpp); durations are seconds. Text in it came from other people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Union

from tubes._native import Endpoint
from tubes.errors import Errc, Error
from tubes.kinds import AccountState as AccountState, AddressPolicy as AddressPolicy, EndpointKind as EndpointKind
from tubes.kinds import KeyStanding as KeyStanding, PathKind as PathKind, Policy as Policy, Severity as Severity, TubeKind as TubeKind
from tubes.room_types import OccupantChanged as OccupantChanged, OccupantInfo as OccupantInfo
from tubes.room_types import OccupantLeft as OccupantLeft, RoomEvent as RoomEvent, RoomEventsLost as RoomEventsLost
from tubes.room_types import RoomInfo as RoomInfo, RoomStateChanged as RoomStateChanged
from tubes.room_types import RoomSubjectChanged as RoomSubjectChanged, RoomText as RoomText

ParameterValue = Union[str, bytes, int, bool]
Parameters = Mapping[str, ParameterValue]
"""At most 32 entries; names 1 to 64 characters of [A-Za-z0-9._-], values at most 4096 bytes."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """One account of this node. "local" is always there: this user's programs on this machine."""

    name: str
    """The account's address: "alice@example.org"; "local"."""
    protocol: str
    """"xmpp", "local"."""
    state: AccountState
    reason: Error | None
    """Why it is offline or reconnecting."""
    detail: str
    """The same for people, with what to do."""
    server: str
    security: str
    """"TLS 1.3, SCRAM-SHA-256"."""
    features: tuple[str, ...]
    device: str
    """This device's name: hexadecimal SHA-256 of its identity key."""


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A running node of a contact."""

    address: str
    """Names this node in Node.connect(peer=...)."""
    presence: str
    """"online", "away", "busy", "offline"."""
    speaks_tubes: bool
    client: str


@dataclass(frozen=True, slots=True)
class ContactInfo:
    """A person on an account's contact list."""

    account: str
    address: str
    name: str
    subscription: str
    """"none", "to", "from", "both"."""
    is_self: bool
    peers: tuple[PeerInfo, ...]


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service a contact's device offers to this user."""

    peer: str
    device: str
    service: str
    kind: TubeKind
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class PendingInfo:
    """A request for one of our services, or an offer made to us, that waits for an answer."""

    id: str
    is_offer: bool
    account: str
    contact: str
    peer: str
    service: str
    kind: TubeKind
    parameters: Parameters
    device: str
    """Hexadecimal SHA-256 of the key it presents."""
    standing: KeyStanding
    expires_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A step of a set-up and when it was reached, counted from the start."""

    name: str
    at: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class TubeInfo:
    """A tube, pending or open."""

    id: str
    link: str
    account: str
    contact: str
    peer: str
    device: str
    service: str
    kind: TubeKind
    parameters: Parameters
    state: str
    """"pending", "connecting", "open", "closed"."""
    incoming: bool
    """The peer uses our share."""
    streams: int
    bytes_sent: int
    bytes_received: int
    datagrams_sent: int
    datagrams_received: int
    datagrams_dropped: int
    """On this side, since the path took too long."""
    datagrams_missed: int
    """Sent by the peer and not arrived: lost, dropped there, or still coming."""
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class PathInfo:
    """One way a link's bytes travel; at most one is active."""

    kind: PathKind
    active: bool
    local_address: str
    remote_address: str
    detail: str
    bytes_sent: int
    bytes_received: int
    rtt: float | None
    """Seconds, where it is known."""


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """The one secured session with a device, and how it is reached just now."""

    id: str
    account: str
    contact: str
    peer: str
    device: str
    state: str
    """"connecting", "open", "stalled", "closed"."""
    paths: tuple[PathInfo, ...]
    why_relayed: str
    rtt: float | None
    """Seconds, where it is known."""
    bytes_sent: int
    bytes_received: int
    streams: int
    path_changes: int
    largest_datagram: int
    """Bytes; 0: the peer's version has no datagrams."""
    packet_datagram: int
    """Bytes that one packet of the network carries on the path in use."""


@dataclass(frozen=True, slots=True)
class ShareInfo:
    """A service that this node shares."""

    service: str
    kind: TubeKind
    target: str
    audience: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment."""

    accounts: tuple[AccountInfo, ...]
    shares: tuple[ShareInfo, ...]
    tubes: tuple[TubeInfo, ...]
    links: tuple[LinkInfo, ...]
    pending: tuple[PendingInfo, ...]


@dataclass(frozen=True, slots=True)
class PinInfo:
    """A key seen for a contact."""

    device: str
    """Hexadecimal SHA-256 of the key."""
    key: str
    """Hexadecimal."""
    digits: str
    """Sixty digits to compare with the contact, in groups of five."""
    accepted: bool
    verified: bool
    first_seen: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PingInfo:
    """Round trip to one device."""

    peer: str
    rtt: float
    """Seconds."""
    path: PathInfo | None
    """Empty: through the server."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an examination of this machine and its network found. See Node::async_diagnose."""

    topic: str
    """"interfaces", "account alice@example.org", "nat", "relay", "clock"."""
    severity: Severity
    text: str
    """What was found, one sentence."""
    advice: str
    """What to do about it; empty where there is nothing to do."""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """An account's state or server changed."""

    account: AccountInfo


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A contact came, changed, or changed its devices."""

    contact: ContactInfo


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """A contact is no longer on the list."""

    account: str
    contact: str


@dataclass(frozen=True, slots=True)
class SubscriptionRequested:
    """A person asks to see when this user is online; answer with Node::async_answer_contact."""

    account: str
    contact: str
    text: str


@dataclass(frozen=True, slots=True)
class RequestPending:
    """A contact asks to use a service, or offers one; answer with Node::async_answer or async_accept_offer."""

    request: PendingInfo


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A pending request is over without this user's answer."""

    id: str
    reason: Errc


@dataclass(frozen=True, slots=True)
class TubeOpened:
    """A tube is open and carries streams."""

    tube: TubeInfo


@dataclass(frozen=True, slots=True)
class TubeClosed:
    """A tube is closed; no stream of it remains."""

    id: str
    reason: Errc


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer of this node is over: taken, refused, withdrawn or expired."""

    id: str
    reason: Errc


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link opened, moved to another path, stalled or closed."""

    link: LinkInfo


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """A contact presents a key that is not pinned; its tubes wait for this user's decision."""

    account: str
    contact: str
    device: str


@dataclass(frozen=True, slots=True)
class TargetFailed:
    """A stream of a share could not be joined to its target."""

    service: str
    target: str
    reason: Error | None


@dataclass(frozen=True, slots=True)
class DatagramTooLarge:
    """A local program sent a datagram that the tube does not carry; told once for each flow."""

    service: str
    size: int
    """Bytes."""
    largest: int
    """Bytes that the tube carries."""


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The application did not take its events; this many were dropped."""

    count: int


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """One value. Of a flag (settings of Node), the environment, the file and the default, the first that says something
    wins."""

    name: str
    """"network.stun"; the key `stun` in the table [network] of config.toml."""
    value: str
    """As text; a list joined by commas; passwords replaced by stars."""
    source: str
    """"flag", "environment", "file" or "default"."""
    origin: str
    """The variable, or the file and line: "/home/me/.config/tubes/config.toml:12"."""
    environment: str
    """The variable that would set it: "TUBES_NETWORK_STUN"; empty if none does."""
    description: str
    """One line for people."""


Event = Union[
    AccountChanged,
    ContactChanged,
    ContactRemoved,
    SubscriptionRequested,
    RequestPending,
    RequestEnded,
    TubeOpened,
    TubeClosed,
    OfferEnded,
    LinkChanged,
    KeyChanged,
    TargetFailed,
    DatagramTooLarge,
    EventsLost,
]


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A service as config.toml describes it; the arguments of Node.share()."""

    service: str
    target: Endpoint
    kind: TubeKind
    parameters: Parameters
    account: str
    audience: tuple[str, ...]
    policy: Policy
    trust_first_key: bool
