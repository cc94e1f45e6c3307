# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the arrows between the layers, and that each third-party library stays in its folder (ARCHITECTURE.md)."""
import re
from pathlib import Path

import tree

# layer: what it may include of ours, beside itself
BELOW = {
    "include": set(),
    "client": {"include"},
    "base": {"include"},
    "core": {"include", "base"},
    "endpoints": {"include", "base", "core"},
    "transports": {"include", "base", "core"},
    "presence": {"include", "base", "core"},
    "media": {"include", "base", "core"},
    "engine": {"include", "client", "base", "core", "endpoints", "transports", "presence", "media"},
    "dbus": {"include", "base", "core", "endpoints", "transports", "presence", "media", "engine"},
    "broker": {"include", "base", "core", "engine", "dbus"},
    "cli": {"include", "base", "core", "engine", "dbus"},
    "bindings": {"include"},
    "samples": {"include"},
}
PREFIXES = [("tubes/include/", "include"), *((f"tubes/{name}/", name) for name in
            ("client", "base", "core", "endpoints", "engine", "dbus", "broker", "cli")),
            *((f"{name}/", name) for name in ("transports", "presence", "media", "bindings", "samples"))]

# what an include looks like, and where it may stand
CONTAINED = [
    (r"openssl/", ("transports/", "presence/xmpp/", "samples/collab-editor/")),
    (r"(nice/|agent\.h|glib|gio/|stun/)", ("transports/",)),
    (r"usrsctp\.h", ("transports/",)),
    (r"gloox/", ("presence/xmpp/",)),
    (r"ares", ("presence/xmpp/",)),
    (r"(idna|stringprep|punycode|pr29)\.h", ("presence/xmpp/",)),
    (r"(google/protobuf/|.*\.pb\.h)", ("tubes/core/wire/",)),
    (r"CLI/", ("tubes/cli/", "samples/collab-editor/")),
    (r"toml", ("tubes/engine/", "tubes/cli/")),
    (r"libsecret/", ("tubes/engine/",)),
    (r"sdbus-c\+\+/", ("tubes/dbus/",)),
    (r"(dbus/|gst/)", ("tubes/endpoints/", "media/")),
    (r"pybind11/", ("bindings/",)),
    (r"(gtest|gmock)/", ("tests/",)),
]
# the protocol brain has no socket, no clock and no thread
NOT_IN_CORE = re.compile(r"(sys/socket\.h|netinet/|arpa/|unistd\.h|thread|mutex|condition_variable|future|"
                         r"boost/asio/(ip|local)/.*|boost/asio/(io_context|steady_timer)\.hpp)$|sys/socket\.h$")
PUBLIC_THIRD_PARTY = re.compile(r"boost/(asio|system)[/.]")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def layer_of(path):
    """The layer a file belongs to; None for tests and what stands outside the layers."""
    return next((layer for prefix, layer in PREFIXES if str(path).startswith(prefix)), None)


def layer_of_include(root, name):
    """The layer an include of ours points into; None where it is not ours."""
    if (Path(root) / "tubes/include" / name).is_file():
        return "include"
    return layer_of(Path(name)) if name.startswith(("tubes/", "transports/", "presence/", "media/")) else None


def of_file(root, path):
    """What one file includes and must not."""
    text, own, found = tree.read(root, path), layer_of(path), []
    for match in INCLUDE.finditer(text):
        name, where = match[2], f"{path}:{tree.line_of(text, match.start())}"
        target = layer_of_include(root, name)
        if own and target and target != own and target not in BELOW[own]:
            found.append(f"{where}: {own} must not include {target} ({name})")
        if own and match[1] == '"' and "/" not in name:
            found.append(f'{where}: "{name}" is not a full path from the root')
        for pattern, folders in CONTAINED:
            if target is None and re.match(pattern, name) and not str(path).startswith((*folders, "tests/")):
                found.append(f"{where}: {name} belongs to {' and '.join(folders)}")
        if own == "core" and NOT_IN_CORE.match(name):
            found.append(f"{where}: core has no socket, clock or thread ({name})")
        if own == "include" and target is None and "/" in name and not PUBLIC_THIRD_PARTY.match(name):
            found.append(f"{where}: public headers use Boost.Asio and Boost.System only ({name})")
    if own == "core":
        found += [f"{path}:{tree.line_of(text, match.start())}: core reads no clock, time comes through the Scheduler"
                  for match in re.finditer(r"_clock::now\s*\(", tree.blank(text))]
    return found


def violations(root):
    """Every include of the tree that points the wrong way."""
    return [violation for path in tree.cpp_files(root) for violation in of_file(root, path)]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
