# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the coroutine rule: g++ 12 destroys twice what a full expression with co_await builds from a capturing lambda
or a braced temporary, so such an object gets a name on a line of its own first (CONTRIBUTING.md, "Coroutines")."""
import re

import tree

LAMBDA = re.compile(r"(?<![\w\])])\[(?!\s*\])[^\[\]\n]*\]\s*(\(|\{|mutable\b)")
BRACED = re.compile(r"(?:[\w>]|[(,])\s*\{")
OPENING, CLOSING = "([{", ")]}"


def start_of_expression(text, position):
    """Where the full expression around a position begins."""
    depth = 0
    for at in range(position - 1, -1, -1):
        character = text[at]
        if character == "}" and depth == 0 and not re.match(r"\s*[,).]", text[at + 1:at + 40]):
            return at + 1
        if character in CLOSING:
            depth += 1
        elif character in OPENING:
            if depth == 0 and character == "{":
                return at + 1
            depth = max(0, depth - 1)
        elif character == ";" and depth == 0:
            return at + 1
    return 0


def end_of_expression(text, position):
    """Where the full expression around a position ends. Parentheses that were opened before it may close in it."""
    depth = 0
    for at in range(position, len(text)):
        character = text[at]
        if character in OPENING:
            if character == "{" and depth <= 0 and re.search(r"\)\s*$", text[position:at]):
                return at  # the block of `if (co_await ...) {`
            depth += 1
        elif character in CLOSING:
            depth -= 1
            if character == "}" and depth < 0:
                return at
        elif character == ";" and depth <= 0:
            return at
    return len(text)


def of_text(path, text):
    """The bad full expressions of one source."""
    code, found, seen = tree.blank(text), [], set()
    for match in re.finditer(r"\bco_await\b", code):
        begin, end = start_of_expression(code, match.start()), end_of_expression(code, match.end())
        expression = code[begin:end]
        if begin in seen:
            continue
        seen.add(begin)
        where = f"{path}:{tree.line_of(code, match.start())}"
        if LAMBDA.search(expression):
            found.append(f"{where}: a capturing lambda in a full expression with co_await: name it first, then move it")
        elif BRACED.search(expression):
            found.append(f"{where}: a braced temporary in a full expression with co_await: name it first, then move it")
    return found


def violations(root):
    """The bad full expressions of the tree."""
    return [violation for path in tree.cpp_files(root) for violation in of_text(path, tree.read(root, path))]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
