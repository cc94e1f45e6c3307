#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a private proxy (tinyproxy for HTTP CONNECT, microsocks for SOCKS5) until stdin closes.

Prints one JSON line that describes it. Commands on stdin, each answered by a JSON line: start, stop, kill, restart,
pause, resume, pid, log.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from server_process import (Command, Server, fixture_directory, free_ports, run_fixture, say, serve_commands,
                            standard_commands)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; every option has a working default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("http", "socks5"), default="http")
    parser.add_argument("--address", default="127.0.0.1", metavar="IP", help="listen here")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="", help="the one user it serves; default: everybody")
    parser.add_argument("--password", default="")
    parser.add_argument("--connect-port", type=int, action="append", default=[], metavar="PORT",
                        help="tunnel to this port only (HTTP, repeatable; default: any)")
    return parser.parse_args()


def http_arguments(options: argparse.Namespace, directory: Path) -> list[str]:
    """tinyproxy's command line; writes its configuration."""
    lines = [f"Port {options.port}", f"Listen {options.address}", "Timeout 600", "MaxClients 100", "LogLevel Info",
             f'LogFile "{directory / "proxy.log"}"', *(f"ConnectPort {port}" for port in options.connect_port)]
    if options.user:
        lines.append(f"BasicAuth {options.user} {options.password}")
    configuration = directory / "tinyproxy.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return ["tinyproxy", "-d", "-c", str(configuration)]


def socks_arguments(options: argparse.Namespace) -> list[str]:
    """microsocks' command line."""
    login = ["-u", options.user, "-P", options.password] if options.user else []
    return ["microsocks", "-i", options.address, "-p", str(options.port), *login]


def main() -> None:
    """Starts the proxy and answers commands until stdin closes."""
    options = parse_arguments()
    options.port = options.port or free_ports(options.address, 1)[0]
    with fixture_directory("proxy") as directory:
        log = directory / "proxy.log"
        arguments = http_arguments(options, directory) if options.kind == "http" else socks_arguments(options)
        # microsocks logs to its standard error, tinyproxy to its file.
        output = log if options.kind == "socks5" else directory / "output.txt"
        server = Server(arguments, output, (options.address, options.port))
        try:
            server.start()
            say({"ok": True, "server": options.kind, "address": options.address, "ports": {"proxy": options.port},
                 "directory": str(directory), "log": str(log), "pid": server.pid})
            commands: dict[str, Command] = {
                **standard_commands(server), "log": lambda _argument: {"log": log.read_text(errors="replace")}}
            serve_commands(server, commands)
        finally:
            server.kill()


if __name__ == "__main__":
    raise SystemExit(run_fixture(main))
