#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a private ejabberd with throw-away configuration until stdin closes; prints one JSON line that describes it.

The node has no Erlang name, so it needs no epmd and listens on nothing but its own ports. Commands on stdin, each
answered by a JSON line: start, stop, kill, restart, pause, resume, pid, `register USER:PASSWORD`, `remove USER`,
`group USER,USER` (they see each other), `reset` (no accounts, no groups), `log`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from certificates import Certificates, make_certificates
from server_process import (Command, FixtureError, Server, fixture_directory, free_ports, run_fixture, say,
                            serve_commands, standard_commands)

PORT_NAMES = ("c2s", "direct_tls", "api", "proxy65")
ALL = "Everybody"


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; every option has a working default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1", metavar="IP")
    parser.add_argument("--domain", default="tube.test", help="the XMPP domain it serves")
    parser.add_argument("--account", action="append", default=[], metavar="USER:PASSWORD", help="register (repeatable)")
    parser.add_argument("--no-groups", action="store_true", help="empty rosters: tests subscribe themselves")
    parser.add_argument("--turn", default="127.0.0.1:13478", metavar="HOST:PORT",
                        help="announce this TURN server (XEP-0215)")
    parser.add_argument("--turn-secret", default="secret", help="the REST secret shared with it")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    return parser.parse_args()


def configuration(options: argparse.Namespace, ports: dict[str, int], chain: Path, authority: Path,
                  database: Path) -> str:
    """The text of ejabberd.yml; JSON is YAML.

    SQLite keeps what was registered once a command has returned; Mnesia writes it seconds later, and a killed server
    would come back without its accounts.
    """
    address, domain = options.address, options.domain
    stream = {"ip": address, "module": "ejabberd_c2s", "max_stanza_size": 1 << 20, "shaper": "none", "access": "all"}
    host, _, port = options.turn.rpartition(":")
    turn = {"host": host, "port": int(port), "type": "turn", "transport": "udp", "restricted": True}
    return json.dumps({
        "hosts": [domain], "loglevel": options.log_level, "certfiles": [str(chain)], "ca_file": str(authority),
        "auth_method": "sql", "auth_password_format": "scram", "auth_scram_hash": "sha256",
        "default_db": "sql", "sql_type": "sqlite", "sql_database": str(database),
        "listen": [{**stream, "port": ports["c2s"], "starttls_required": True},
                   {**stream, "port": ports["direct_tls"], "tls": True},
                   {"ip": address, "port": ports["api"], "module": "ejabberd_http",
                    "request_handlers": {"/api": "mod_http_api"}}],
        "acl": {"here": {"ip": [address]}},
        "api_permissions": {"tests": {"from": "mod_http_api", "who": {"acl": "here"}, "what": "*"}},
        "modules": {
            "mod_admin_extra": {}, "mod_adhoc": {}, "mod_caps": {}, "mod_disco": {}, "mod_http_api": {}, "mod_last": {},
            "mod_muc": {"host": f"conference.{domain}"}, "mod_ping": {}, "mod_roster": {}, "mod_shared_roster": {},
            "mod_version": {}, "mod_stream_mgmt": {"resume_timeout": 60},
            "mod_proxy65": {"ip": address, "hostname": address, "port": ports["proxy65"], "host": f"proxy.{domain}"},
            "mod_stun_disco": {"access": "all", "secret": options.turn_secret, "services": [turn]},
        },
    }, indent=1)


class Api:
    """The server's commands over its loopback HTTP port."""

    def __init__(self, address: str, port: int, domain: str) -> None:
        self._base = f"http://{address}:{port}/api/"
        self._domain = domain
        # Not through a proxy that the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, command: str, **arguments: str) -> Any:
        """Runs one command; its result, or FixtureError with the server's words."""
        request = urllib.request.Request(self._base + command, json.dumps(arguments).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise FixtureError(f"ejabberd's {command}: {error.read().decode(errors='replace')}") from error

    def register(self, text: str) -> dict[str, Any]:
        """Adds "user:password"."""
        user, separator, password = text.partition(":")
        if not user or not separator or not password:
            raise FixtureError(f"expected USER:PASSWORD, got {text!r}")
        self.call("register", user=user, host=self._domain, password=password)
        return {"jid": f"{user}@{self._domain}"}

    def remove(self, user: str) -> dict[str, Any]:
        """Deletes the account and ends its sessions."""
        self.call("unregister", user=user, host=self._domain)
        return {}

    def group(self, text: str) -> dict[str, Any]:
        """Puts the users of "user,user" on each other's roster."""
        self.call("srg_create", group=ALL, host=self._domain, label=ALL, description="", display=ALL)
        for user in filter(None, text.split(",")):
            self.call("srg_user_add", user=user, host=self._domain, group=ALL, grouphost=self._domain)
        return {}

    def reset(self, _argument: str) -> dict[str, Any]:
        """Deletes every account and group, so that one server serves many tests."""
        for group in self.call("srg_list", host=self._domain):
            self.call("srg_delete", group=group, host=self._domain)
        for user in self.call("registered_users", host=self._domain):
            self.remove(user)
        return {}


def environment(directory: Path) -> dict[str, str]:
    """Where ejabberd looks for its configuration, its log and its libraries."""
    listed = subprocess.run(["dpkg", "-L", "ejabberd"], capture_output=True, text=True, check=False).stdout
    libraries = [Path(line).parent for line in listed.splitlines() if line.endswith("/ebin")]
    if not libraries:
        raise FixtureError("ejabberd is not installed: scripts/setup test")
    return {**os.environ, "EJABBERD_CONFIG_PATH": str(directory / "ejabberd.yml"), "HOME": str(directory),
            "EJABBERD_LOG_PATH": str(directory / "ejabberd.log"), "ERL_LIBS": str(libraries[0].parent),
            "ERL_CRASH_DUMP": str(directory / "crash.dump")}


def description(options: argparse.Namespace, directory: Path, ports: dict[str, int],
                certificates: Certificates) -> dict[str, Any]:
    """What the starter is told."""
    domain = options.domain
    return {
        "ok": True, "server": "ejabberd", "domain": domain, "address": options.address, "ports": ports,
        "ca": str(certificates.authority), "certificate": str(certificates.certificate),
        "components": {"muc": f"conference.{domain}", "proxy65": f"proxy.{domain}"},
        "turn": options.turn, "turn_secret": options.turn_secret, "directory": str(directory),
        "log": str(directory / "ejabberd.log"), "configuration": str(directory / "ejabberd.yml"),
    }


def main() -> None:
    """Starts the server and answers commands until stdin closes."""
    options = parse_arguments()
    with fixture_directory("ejabberd") as directory:
        ports = dict(zip(PORT_NAMES, free_ports(options.address, len(PORT_NAMES))))
        certificates = make_certificates(directory / "certs", options.domain, [options.address])
        chain = directory / "certs" / "chain.pem"
        chain.write_text(certificates.certificate.read_text() + certificates.key.read_text())
        (directory / "ejabberd.yml").write_text(configuration(options, ports, chain, certificates.authority,
                                                               directory / "ejabberd.db"))
        os.environ.update(environment(directory))
        arguments = ["erl", "+K", "true", "+S", "1:1", "+sbwt", "none", "-noinput", "-mnesia", "dir",
                     f'"{directory / "spool"}"', "-s", "ejabberd"]
        server = Server(arguments, directory / "output.txt", (options.address, ports["c2s"]), deadline=40)
        api = Api(options.address, ports["api"], options.domain)
        try:
            server.start()
            for account in options.account:
                api.register(account)
            if not options.no_groups:
                api.group(",".join(account.partition(":")[0] for account in options.account))
            say({**description(options, directory, ports, certificates), "pid": server.pid})
            commands: dict[str, Command] = {
                **standard_commands(server), "register": api.register, "remove": api.remove, "group": api.group,
                "reset": api.reset, "log": lambda _argument: {"log": (directory / "ejabberd.log").read_text()},
            }
            serve_commands(server, commands)
        finally:
            server.kill()


if __name__ == "__main__":
    raise SystemExit(run_fixture(main))
