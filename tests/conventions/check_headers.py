# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that every header compiles on its own, with the settings of a source of its folder.
(The public headers are checked by CMake as well: VERIFY_INTERFACE_HEADER_SETS.)"""
import re
import tempfile

import compilation
import tree


def settings_of(header, commands):
    """The compiler arguments of the source that stands nearest to a header; None for a folder without sources."""
    def nearness(source):
        shared = 0
        for ours, theirs in zip(header.parts[:-1], source.parts[:-1]):
            if ours != theirs:
                break
            shared += 1
        return (source.with_suffix("") == header.with_suffix(""), shared, -len(source.parts))
    nearest = max(commands, key=nearness, default=None)
    return commands[nearest] if nearest else None


def of_header(root, header, commands):
    """What the compiler says of one header by itself. Compiled instead of only parsed: that is what ccache keeps."""
    arguments = settings_of(header, commands)
    if arguments is None:
        return [f"{header}:1: no source in the build to take settings from"]
    options = [word for word in arguments if word != "-Wpedantic"]
    with tempfile.NamedTemporaryFile(suffix=".o") as thrown_away:
        code, output = compilation.run([*compilation.launcher(root), *options, "-O0", "-g0", "-w", "-x", "c++", "-c",
                                        str(root / header), "-o", thrown_away.name], root)
    error = re.search(r"^.*\berror\b.*$", output, re.MULTILINE)
    return [] if code == 0 else [f"{header}:1: does not compile alone: {error.group(0) if error else output[:300]}"]


def violations(root, build):
    """The headers that do not stand alone."""
    commands = compilation.commands(root, build)
    headers = [path for path in tree.cpp_files(root) if path.suffix == ".hpp" and path.name != "pch.hpp"]
    results = compilation.in_parallel(lambda header: of_header(root, header, commands), headers)
    return [violation for found in results for violation in found]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root.resolve(), arguments.build or arguments.root / "build/dev"),
              __doc__)
