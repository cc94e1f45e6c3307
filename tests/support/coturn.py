#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a private coturn (STUN and TURN) until stdin closes; prints one JSON line that describes it.

Commands on stdin, each answered by a JSON line: start, stop, kill, restart, pause, resume, pid, log, and
`credentials NAME [SECONDS]` (a user name and password that hold for that long, by the shared REST secret).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import ipaddress
import secrets
import time
from pathlib import Path
from typing import Any

from certificates import Certificates, make_certificates
from server_process import (Command, Server, fixture_directory, free_ports, run_fixture, say, serve_commands,
                            standard_commands)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; every option has a working default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", action="append", metavar="IP",
                        help="listen and relay here (repeatable; default 127.0.0.1); two of a family answer RFC 5780")
    parser.add_argument("--realm", default="tube.test")
    parser.add_argument("--secret", default="", help="the REST secret; default: a random one")
    parser.add_argument("--port", type=int, default=0, help="STUN and TURN over UDP and TCP")
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--alternate-port", type=int, default=0, help="the second port of RFC 5780")
    parser.add_argument("--min-port", type=int, default=49152, help="lowest relay port")
    parser.add_argument("--max-port", type=int, default=65535, help="highest relay port")
    parser.add_argument("--no-udp", action="store_true", help="clients may reach it by TCP only")
    parser.add_argument("--no-tcp", action="store_true", help="clients may reach it by UDP only")
    parser.add_argument("--certificate", type=Path, help="PEM chain for TLS; default: one of an authority of its own")
    parser.add_argument("--key", type=Path, help="its private key")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def arguments_of(options: argparse.Namespace, directory: Path, certificates: Certificates, loopback: bool) -> list[str]:
    """The command line of turnserver."""
    arguments = ["turnserver", "-n", f"--listening-port={options.port}", f"--tls-listening-port={options.tls_port}",
                 f"--alt-listening-port={options.alternate_port}", f"--realm={options.realm}", "--use-auth-secret",
                 f"--static-auth-secret={options.secret}", f"--min-port={options.min_port}",
                 f"--max-port={options.max_port}", "--no-cli", "--cli-password=unused", "--no-dtls",
                 "--relay-threads=1", "--no-stdout-log" if not options.verbose else "--verbose",
                 f"--cert={certificates.certificate}", f"--pkey={certificates.key}",
                 f"--userdb={directory / 'turndb'}", f"--pidfile={directory / 'turnserver.pid'}",
                 f"--log-file={directory / 'turnserver.log'}", "--simple-log"]
    for address in options.address:
        arguments += [f"--listening-ip={address}", f"--relay-ip={address}"]
    for name in ("no_udp", "no_tcp"):
        if getattr(options, name):
            arguments.append("--" + name.replace("_", "-"))
    if loopback:
        arguments.append("--allow-loopback-peers")
    return arguments


def credentials(secret: str, name: str, seconds: int) -> dict[str, Any]:
    """User name and password by the TURN REST scheme (draft-uberti-behave-turn-rest-00)."""
    username = f"{int(time.time()) + seconds}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "password": base64.b64encode(digest).decode()}


def main() -> None:
    """Starts the server and answers commands until stdin closes."""
    options = parse_arguments()
    options.address = options.address or ["127.0.0.1"]
    options.secret = options.secret or secrets.token_hex(16)
    free = free_ports(options.address[0], 3)
    options.port = options.port or free[0]
    options.tls_port = options.tls_port or free[1]
    options.alternate_port = options.alternate_port or free[2]
    loopback = any(ipaddress.ip_address(address).is_loopback for address in options.address)
    with fixture_directory("coturn") as directory:
        certificates = make_certificates(directory / "certs", options.realm, options.address)
        if options.certificate and options.key:
            certificates = Certificates(certificates.authority, options.certificate, options.key)
        log = directory / "turnserver.log"
        ready = (options.address[0], options.tls_port if options.no_tcp else options.port)
        server = Server(arguments_of(options, directory, certificates, loopback), directory / "output.txt", ready)
        try:
            server.start()
            say({"ok": True, "server": "coturn", "address": options.address[0], "addresses": options.address,
                 "ports": {"turn": options.port, "tls": options.tls_port, "alternate": options.alternate_port},
                 "realm": options.realm, "secret": options.secret, "ca": str(certificates.authority),
                 "directory": str(directory), "log": str(log), "pid": server.pid,
                 **credentials(options.secret, "fixture", 86400)})

            def make_credentials(argument: str) -> dict[str, Any]:
                name, _, seconds = argument.partition(" ")
                return credentials(options.secret, name or "fixture", int(seconds or 3600))

            commands: dict[str, Command] = {
                **standard_commands(server), "credentials": make_credentials,
                "log": lambda _argument: {"log": log.read_text(errors="replace")},
            }
            serve_commands(server, commands)
        finally:
            server.kill()


if __name__ == "__main__":
    raise SystemExit(run_fixture(main))
