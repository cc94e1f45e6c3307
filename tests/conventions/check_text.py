# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks SPDX lines and head comments, that no path of one machine and no package registry is named, and the texts
that every tree has: CHANGELOG with an Unreleased section, the licences."""
import re
from pathlib import Path

import tree

LGPL_FOLDERS = ("tubes/include/", "tubes/client/")
MARKERS = {".cpp": "//", ".hpp": "//", ".proto": "//", ".py": "#", ".pyi": "#", ".cmake": "#", ".sh": "#", ".txt": "#"}
BINARY_SUFFIXES = {".png", ".ico", ".bin", ".pcap", ".der", ".gz"}
# split so that this file does not name what it forbids
REGISTRIES = re.compile("|".join((r"deb\.debian" + r"\.org", r"pypi" + r"\.org", r"pythonhosted" + r"\.org",
                                  r"registry\.npmjs" + r"\.org", r"crates" + r"\.io", r"artifact-?registry" + r"\b",
                                  r"\bpkg" + r"\.dev\b", r"security\.debian" + r"\.org")))
MACHINE_PATHS = re.compile(r"(?<![\w./$}>-])/(?:" + "wo" + "rk|ro" + r"ot|Users)/[\w.]|"
                           r"(?<![\w./$}>-])/home/(?!alice\b|bob\b|carol\b|user\b|me\b)[a-z]")
REQUIRED = {"CHANGELOG.md": r"^## \[Unreleased\]", "LICENSES/GPL-3.0-or-later.txt": "GNU GENERAL PUBLIC LICENSE",
            "LICENSES/LGPL-2.1-or-later.txt": "GNU LESSER GENERAL PUBLIC LICENSE"}


def licence_of(path):
    """The licence that files of a folder carry."""
    return "LGPL-2.1-or-later" if str(path).startswith(LGPL_FOLDERS) else "GPL-3.0-or-later"


def marker_of(path, text):
    """How a comment begins in a file that needs an SPDX line; None where none is needed."""
    if path.suffix == ".txt" and path.name != "CMakeLists.txt":
        return None
    return MARKERS.get(path.suffix, "#" if text.startswith("#!") else None)


def head_violations(path, text):
    """SPDX line and head comment of one file."""
    marker = marker_of(path, text)
    if marker is None:
        return []
    lines = [line for line in text.splitlines()[:8] if not line.startswith("#!")]
    expected = f"{marker} SPDX-License-Identifier: {licence_of(path)}"
    if not lines or lines[0].strip() != expected:
        return [f"{path}:1: the first line must be '{expected}'"]
    head = lines[1] if len(lines) > 1 else ""
    if path.suffix in {".cpp", ".hpp", ".py", ".proto", ""} and not re.match(r'\s*(//|#|"""|/\*)\s*\w?', head):
        return [f"{path}:2: a sentence on what this file is must follow the SPDX line"]
    return []


def of_text(path, text):
    """What is wrong with the text of one file."""
    found = head_violations(path, text)
    for pattern, what in ((REGISTRIES, "names a package registry"), (MACHINE_PATHS, "names a path of one machine")):
        found += [f"{path}:{tree.line_of(text, match.start())}: {what} ({match.group(0)})"
                  for match in pattern.finditer(text)]
    return found


def violations(root):
    """What is wrong with the texts of the tree."""
    found = []
    for path in tree.tracked_files(root):
        if "corpus" not in path.parts and path.suffix not in BINARY_SUFFIXES and path.parts[0] != "LICENSES":
            found += of_text(path, tree.read(root, path))
    for name, pattern in REQUIRED.items():
        if not (Path(root) / name).is_file() or not re.search(pattern, tree.read(root, name), re.MULTILINE):
            found.append(f"{name}:1: missing, or without '{pattern}'")
    return found


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
