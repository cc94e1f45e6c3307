#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a private Prosody with throw-away configuration until stdin closes; prints one JSON line that describes it.

Commands on stdin, each answered by a JSON line: start, stop, kill, restart, pause, resume, pid,
`register USER:PASSWORD`, `remove USER`, `log`. Accounts added later appear on others' rosters only with --group.
"""

from __future__ import annotations

import argparse
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import KINDS, Certificates, make_certificates
from server_process import (Command, FixtureError, Server, fixture_directory, free_ports, run_fixture, say,
                            serve_commands, standard_commands)

# mod_limits is left out on purpose: with it Prosody throttles a client to 10 KiB/s and tests measure the throttle.
MODULES = ("roster", "groups", "saslauth", "tls", "disco", "carbons", "pep", "private", "blocklist", "vcard4",
           "vcard_legacy", "bookmarks", "version", "time", "ping", "register", "mam", "csi_simple", "smacks", "bosh",
           "websocket", "lastactivity")
TLS_PROTOCOLS = {"any": "tlsv1_2+", "1.2": "tlsv1_2", "1.3": "tlsv1_3"}


@dataclass(frozen=True)
class Ports:
    """TCP ports the server listens on."""

    c2s: int
    direct_tls: int
    http: int
    proxy65: int
    component: int


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; every option has a working default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", action="append", metavar="IP", help="listen here (repeatable; default 127.0.0.1)")
    parser.add_argument("--domain", default="tube.test", help="the XMPP domain it serves")
    parser.add_argument("--account", action="append", default=[], metavar="USER:PASSWORD", help="register (repeatable)")
    parser.add_argument("--group", action="append", metavar="NAME=USER,USER",
                        help="these users are on each other's roster (repeatable); default: one group of everybody")
    parser.add_argument("--no-groups", action="store_true", help="empty rosters: tests subscribe themselves")
    parser.add_argument("--password-hash", choices=("SHA-1", "SHA-256"), default="SHA-256",
                        help="the one SCRAM mechanism it offers")
    parser.add_argument("--tls", choices=tuple(TLS_PROTOCOLS), default="any", help="which TLS versions it accepts")
    parser.add_argument("--certificate", choices=KINDS, default="good", help="what is wrong with its certificate")
    parser.add_argument("--turn", metavar="HOST:PORT", help="announce this TURN server (XEP-0215)")
    parser.add_argument("--turn-tls-port", type=int, default=0, help="announce TURN over TLS there, too")
    parser.add_argument("--turn-secret", default="", help="the REST secret shared with it")
    parser.add_argument("--c2s-port", type=int, default=0)
    parser.add_argument("--direct-tls-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--proxy65-port", type=int, default=0)
    parser.add_argument("--component-port", type=int, default=0)
    parser.add_argument("--hibernation", type=int, default=60, help="seconds a broken stream may be resumed")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warn", "error"))
    return parser.parse_args()


def quoted(text: object) -> str:
    """A Lua string literal."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def lua_list(values: object) -> str:
    """A Lua array of strings and numbers."""
    assert isinstance(values, (list, tuple))
    return "{ " + "; ".join(str(v) if isinstance(v, int) else quoted(v) for v in values) + " }"


def turn_settings(turn: str | None, secret: str, tls_port: int) -> str:
    """The lines that make mod_turn_external announce `turn` with credentials that end after an hour."""
    if not turn:
        return ""
    host, _, port = turn.rpartition(":")
    return (f"turn_external_host = {quoted(host.strip('[]'))}; turn_external_port = {int(port)}\n"
            f"turn_external_secret = {quoted(secret)}; turn_external_tcp = true; turn_external_ttl = 3600\n"
            + (f"turn_external_tls_port = {tls_port}\n" if tls_port else ""))


def configuration(options: argparse.Namespace, directory: Path, ports: Ports, certificates: Certificates) -> str:
    """The text of prosody.cfg.lua."""
    addresses = options.address
    modules = MODULES + (("turn_external",) if options.turn else ())
    domain = options.domain
    tls = (f"{{ key = {quoted(certificates.key)}; certificate = {quoted(certificates.certificate)}; "
           f"protocol = {quoted(TLS_PROTOCOLS[options.tls])} }}")
    return f"""
run_as_root = true; pidfile = {quoted(directory / "prosody.pid")}; data_path = {quoted(directory / "data")}
certificates = {quoted(certificates.key.parent)}; ssl = {tls}; c2s_direct_tls_ssl = {tls}
interfaces = {lua_list(addresses)}; local_interfaces = {lua_list(addresses)}; use_ipv6 = true
c2s_ports = {{ {ports.c2s} }}; c2s_direct_tls_ports = {{ {ports.direct_tls} }}; s2s_ports = {{ }}
http_ports = {{ {ports.http} }}; http_interfaces = {lua_list(addresses)}; https_ports = {{ }}
component_ports = {{ {ports.component} }}; component_interfaces = {lua_list(addresses)}
proxy65_ports = {{ {ports.proxy65} }}; proxy65_interfaces = {lua_list(addresses)}
modules_enabled = {lua_list(modules)}
modules_disabled = {{ "s2s"; "admin_shell" }}
groups_file = {quoted(directory / "groups.txt")}
c2s_require_encryption = true; authentication = "internal_hashed"; password_hash = {quoted(options.password_hash)}
storage = "internal"; consider_websocket_secure = true; consider_bosh_secure = true
smacks_hibernation_time = {options.hibernation}
{turn_settings(options.turn, options.turn_secret, options.turn_tls_port)}
log = {{ {{ levels = {{ min = {quoted(options.log_level)} }}; to = "file";
          filename = {quoted(directory / "prosody.log")} }} }}
VirtualHost {quoted(domain)}
Component {quoted("conference." + domain)} "muc"
  modules_enabled = {{ "muc_mam" }}
  restrict_room_creation = false
Component {quoted("proxy." + domain)} "proxy65"
  proxy65_address = {quoted(addresses[0])}
Component {quoted("upload." + domain)} "http_file_share"
Component {quoted("component." + domain)}
  component_secret = "component-secret"
"""


def encoded(text: str) -> str:
    """A name as Prosody's file storage spells it: %xx for everything that is not alphanumeric ASCII."""
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02x}" for b in text.encode())


class Accounts:
    """The server's accounts, kept as its files, because its command line takes a second for each."""

    def __init__(self, directory: Path, domain: str) -> None:
        self._folder = directory / "data" / encoded(domain) / "accounts"
        self._folder.mkdir(parents=True)
        self._domain = domain
        self.passwords: dict[str, str] = {}

    def register(self, text: str) -> dict[str, Any]:
        """Adds "user:password"; the server hashes the password at the first login."""
        user, separator, password = text.partition(":")
        if not user or not separator or not password:
            raise FixtureError(f"expected USER:PASSWORD, got {text!r}")
        path = self._folder / f"{encoded(user)}.dat"
        path.write_text(f'return {{ ["password"] = {quoted(password)}; }};\n')
        self.passwords[user] = password
        return {"jid": f"{user}@{self._domain}"}

    def remove(self, user: str) -> dict[str, Any]:
        """Deletes the account; a session that is logged in stays until it ends."""
        (self._folder / f"{encoded(user)}.dat").unlink()
        self.passwords.pop(user, None)
        return {}

    def groups_text(self, options: argparse.Namespace) -> str:
        """The text of the groups file."""
        if options.no_groups:
            return ""
        groups = [entry.partition("=")[::2] for entry in options.group or []]
        if not groups:
            groups = [("Everybody", ",".join(self.passwords))]
        return "".join(f"[{name}]\n" + "".join(f"{user}@{self._domain}={user}\n" for user in users.split(",") if user)
                       for name, users in groups)


def choose_ports(options: argparse.Namespace) -> Ports:
    """The ports that were asked for, free ones instead of each 0."""
    wanted = [options.c2s_port, options.direct_tls_port, options.http_port, options.proxy65_port,
              options.component_port]
    free = iter(free_ports(options.address[0], len(wanted)))
    return Ports(*(port or next(free) for port in wanted))


def description(options: argparse.Namespace, directory: Path, ports: Ports, certificates: Certificates,
                accounts: Accounts) -> dict[str, Any]:
    """What the starter is told."""
    return {
        "ok": True, "server": "prosody", "domain": options.domain, "address": options.address[0],
        "addresses": options.address, "ports": vars(ports), "ca": str(certificates.authority),
        "certificate": str(certificates.certificate), "key": str(certificates.key),
        "accounts": [{"user": user, "jid": f"{user}@{options.domain}", "password": password}
                     for user, password in accounts.passwords.items()],
        "components": {"muc": f"conference.{options.domain}", "proxy65": f"proxy.{options.domain}",
                       "upload": f"upload.{options.domain}", "external": f"component.{options.domain}"},
        "component_secret": "component-secret", "turn": options.turn, "turn_secret": options.turn_secret,
        "directory": str(directory), "log": str(directory / "prosody.log"),
        "configuration": str(directory / "prosody.cfg.lua"),
        "admin": ["prosodyctl", "--config", str(directory / "prosody.cfg.lua")],
    }


def main() -> None:
    """Starts the server and answers commands until stdin closes."""
    options = parse_arguments()
    options.address = options.address or ["127.0.0.1"]
    if options.turn and not options.turn_secret:
        options.turn_secret = secrets.token_hex(16)
    with fixture_directory("prosody") as directory:
        ports = choose_ports(options)
        certificates = make_certificates(directory / "certs", options.domain, options.address, options.certificate)
        accounts = Accounts(directory, options.domain)
        for account in options.account:
            accounts.register(account)
        (directory / "groups.txt").write_text(accounts.groups_text(options))
        config = directory / "prosody.cfg.lua"
        config.write_text(configuration(options, directory, ports, certificates))
        output = directory / "output.txt"
        server = Server(["prosody", "--config", str(config), "-F"], output, (options.address[0], ports.c2s))
        try:
            server.start()
            say({**description(options, directory, ports, certificates, accounts), "pid": server.pid})
            commands: dict[str, Command] = {
                **standard_commands(server), "register": accounts.register, "remove": accounts.remove,
                "log": lambda _argument: {"log": (directory / "prosody.log").read_text()},
            }
            serve_commands(server, commands)
        finally:
            server.kill()


if __name__ == "__main__":
    raise SystemExit(run_fixture(main))
