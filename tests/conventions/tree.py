# SPDX-License-Identifier: GPL-3.0-or-later
"""The source tree as the convention checks see it: which files there are, and C++ text without comments and strings."""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__", "node_modules", ".venv"}
CPP_SUFFIXES = {".cpp", ".hpp"}


def tracked_files(root):
    """Every file of the tree, relative to root: what git tracks or would track, else what is on the disk."""
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True,
                             text=True, check=False) if (Path(root) / ".git").exists() else None
    if listing is not None and listing.returncode == 0:
        return sorted(Path(line) for line in listing.stdout.splitlines() if (Path(root) / line).is_file())
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        found += [Path(folder, name).relative_to(root) for name in names]
    return sorted(found)


def cpp_files(root):
    """Sources and headers, without the fuzz corpora."""
    return [path for path in tracked_files(root) if path.suffix in CPP_SUFFIXES and "corpus" not in path.parts]


def read(root, path):
    """A file's text; bytes that are no UTF-8 become replacement characters."""
    return (Path(root) / path).read_text(encoding="utf-8", errors="replace")


_TOKEN = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'", re.DOTALL)


def blank(text):
    """C++ text with comments and literals emptied; every line stays where it is."""
    def emptied(match):
        token = match.group(0)
        filler = re.sub(r"[^\n]", " ", token)
        return filler if token.startswith("/") else '"' + filler[2:] + '"' if len(token) > 1 else filler
    return _TOKEN.sub(emptied, text)


def line_of(text, position):
    """The line number, from 1, of a position in a text."""
    return text.count("\n", 0, position) + 1


def main(check, description):
    """Runs one check as a program: prints `file:line: what` and exits with 1 where something was found."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2], type=Path)
    parser.add_argument("--build", default=None, type=Path, help="a configured build directory")
    parser.add_argument("--all", action="store_true", help="every file, where the default is the changed ones")
    arguments = parser.parse_args()
    found = check(arguments)
    for violation in found:
        print(violation)
    print(f"{Path(sys.argv[0]).stem}: {len(found)} violations" if found else f"{Path(sys.argv[0]).stem}: clean")
    sys.exit(1 if found else 0)
