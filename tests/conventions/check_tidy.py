# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs clang-tidy with the checks of .clang-tidy. Without --all: the sources that differ from the main branch."""
import json
import re
import subprocess
import tempfile
from pathlib import Path

import compilation
import tree

FINDING = re.compile(r"^(?P<where>[^\s:]+:\d+):\d+: (?:warning|error): (?P<what>.*)$", re.MULTILINE)
# what only g++ knows
FOREIGN_OPTIONS = ("-fpch-preprocess", "-fno-sanitize-recover", "-Wno-")


def changed_sources(root):
    """Sources that the work tree or the branch changed since it left the main branch."""
    changed = set()
    for against in ("origin/main", "main", "HEAD"):
        base = subprocess.run(["git", "-C", str(root), "merge-base", "HEAD", against], capture_output=True, text=True,
                              check=False).stdout.strip()
        if base:
            names = subprocess.run(["git", "-C", str(root), "diff", "--name-only", base], capture_output=True,
                                   text=True, check=False).stdout
            changed |= {Path(name) for name in names.splitlines()}
            break
    return changed


def write_database(root, commands, folder):
    """A compilation database as clang-tidy reads it, without what only the other compiler knows."""
    entries = [{"directory": str(root), "file": str(root / source),
                "arguments": ["clang++-14", *[word for word in words[1:] if not word.startswith(FOREIGN_OPTIONS)],
                              "-Wno-unknown-warning-option", "-c", str(root / source)]}
               for source, words in commands.items()]
    Path(folder, "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")


def of_source(root, folder, source):
    """The findings in one source and the headers it includes."""
    code, output = compilation.run(["clang-tidy-14", "--quiet", "-p", str(folder), str(root / source)], root)
    found = {f"{match['where'].replace(str(root) + '/', '')}: {match['what']}" for match in FINDING.finditer(output)}
    return found or ({f"{source}:1: clang-tidy failed: {output[-300:]}"} if code else set())


def violations(root, build, every=False):
    """clang-tidy's findings, each once."""
    commands = compilation.commands(root, build)
    if not every:
        commands = {source: words for source, words in commands.items() if source in changed_sources(root)}
    with tempfile.TemporaryDirectory() as folder:
        write_database(root, commands, folder)
        results = compilation.in_parallel(lambda source: of_source(root, folder, source), sorted(commands))
    return sorted(set().union(*results)) if results else []


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root, arguments.build or arguments.root / "build/dev",
                                           arguments.all), __doc__)
