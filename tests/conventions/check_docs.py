# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that everything public is documented: Doxygen over tubes/include, where each warning is a violation.
No comment is asked for where it could only echo the name: a member variable of a struct that is itself documented,
a move operation, a constructor from a backend (no user can call it), the type names that Asio's concepts demand."""
import re
import subprocess
import tempfile
from pathlib import Path

import tree

SETTINGS = """
INPUT = {root}/tubes/include
RECURSIVE = YES
FILE_PATTERNS = *.hpp
STRIP_FROM_PATH = {root}
OUTPUT_DIRECTORY = {output}
GENERATE_LATEX = NO
GENERATE_HTML = NO
GENERATE_XML = YES
JAVADOC_AUTOBRIEF = YES
EXTRACT_ALL = NO
EXTRACT_PRIVATE = NO
QUIET = YES
WARNINGS = YES
WARN_IF_UNDOCUMENTED = YES
WARN_IF_DOC_ERROR = YES
WARN_IF_INCOMPLETE_DOC = NO
WARN_NO_PARAMDOC = NO
HIDE_FRIEND_COMPOUNDS = YES
EXCLUDE_SYMBOLS = *::detail boost
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
PREDEFINED = TUBES_API=
"""
SELF_EVIDENT = re.compile(r"Member (\w+ \(variable\) of struct|\w+\(\w+ &&|operator=\(|\w+\(std::shared_ptr< detail::|"
                          r"(executor_type|lowest_layer_type) \(typedef\)|lowest_layer\(\)|get_executor\(\))")
# Doxygen 1.9.4 does not follow a specialisation of a foreign template written with its qualified name
DOXYGEN_DEFECTS = re.compile(r"Internal inconsistency: scope for class boost::")


def violations(root):
    """Doxygen's warnings."""
    root = Path(root)
    with tempfile.TemporaryDirectory() as output:
        run = subprocess.run(["doxygen", "-"], input=SETTINGS.format(root=root, output=output), capture_output=True,
                             text=True, check=False)
    prefix = re.escape(str(root)) + "/"
    found = [re.sub(prefix, "", line) for line in run.stderr.splitlines() if re.search(r"(warning|error):", line)
             and not SELF_EVIDENT.search(line) and not DOXYGEN_DEFECTS.search(line)]
    return found if found or run.returncode == 0 else [f"doxygen: exit code {run.returncode}"]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
