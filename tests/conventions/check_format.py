# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that every source is formatted as .clang-format says."""
import re
import subprocess
import sys
from pathlib import Path

import tree


def violations(root, formatter="clang-format-14"):
    """The first differing line of each file that the formatter would change."""
    files = tree.cpp_files(root)
    if not files:
        return []
    run = subprocess.run([formatter, "--dry-run", *map(str, files)], cwd=root, capture_output=True, text=True,
                         check=False)
    if run.returncode != 0:
        return [f"{formatter}: {run.stderr.strip()}"]
    first = {}
    pattern = r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: warning: code should be"
    for match in re.finditer(pattern, run.stderr, re.MULTILINE):
        first.setdefault(Path(match["file"]), match["line"])
    return [f"{path}:{line}: not formatted (cmake --build BUILD --target format)" for path, line in first.items()]


if __name__ == "__main__":
    if "--fix" in sys.argv:
        sys.argv.remove("--fix")
        repository = Path(sys.argv[sys.argv.index("--root") + 1])
        subprocess.run(["clang-format-14", "-i", *map(str, tree.cpp_files(repository))], cwd=repository, check=True)
    tree.main(lambda arguments: violations(arguments.root), __doc__)
