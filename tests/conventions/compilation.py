# SPDX-License-Identifier: GPL-3.0-or-later
"""What the build knows: how each source is compiled, without the precompiled header and the compiler cache."""
import json
import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def commands(root, build):
    """Source (relative to root) to compiler arguments, of a configured build directory."""
    database = Path(build) / "compile_commands.json"
    if not database.is_file():
        raise SystemExit(f"no {database}: configure first, or give --build")
    found = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        source = Path(entry["directory"], entry["file"]).resolve()
        if source.is_relative_to(root) and not source.is_relative_to(Path(build).resolve()):
            found[source.relative_to(root)] = plain(shlex.split(entry["command"]))
    return found


def plain(arguments):
    """Compiler arguments without launcher, output, input and precompiled header."""
    first = next(at for at, word in enumerate(arguments)
                 if os.path.basename(word).split("-")[0] in {"c++", "g++", "clang++", "x86_64"})
    kept, skip = [], 0
    words = arguments[first:]
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if skip:
            skip -= 1
        elif word in {"-o", "-c"}:
            skip = 1
        elif word == "-Xclang" and following in {"-include-pch", "-include"}:
            skip = 3
        elif word == "-Xclang" and "pch" in following:
            skip = 1
        elif word == "-include" and "cmake_pch" in following:
            skip = 1
        elif "pch" not in word or word.startswith("-I"):
            kept.append(word)
    return kept


def launcher(root):
    """What stands before a compiler so that an unchanged input costs nothing, as in the build; empty without ccache."""
    ccache = shutil.which("ccache")
    return ["env", f"CCACHE_BASEDIR={root}", "CCACHE_NOHASHDIR=1", "CCACHE_INODECACHE=1", ccache] if ccache else []


def in_parallel(work, items):
    """The results of work(item) for all items, on as many threads as there are processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(work, items))


def run(arguments, directory):
    """(exit code, everything printed) of one program."""
    done = subprocess.run(arguments, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.returncode, done.stdout
