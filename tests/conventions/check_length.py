# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that no file is longer than 400 lines and no function longer than 60."""
import ast
import re

import tree

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
SCOPE = re.compile(r"(^|[\s;}])(namespace|class|struct|union|enum|extern)\b")
DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)


def is_function(head):
    """Whether the text before an opening brace outside any function opens one; else it is a scope or data."""
    bare = re.sub(r"\([^()]*\)|<[^<>]*>", "()", re.sub(r"\b(operator\s*[=!<>]=|operator\s*=)", "operator_", head))
    if SCOPE.search(head) and not re.search(r"\)\s*(const|noexcept|override|final|\s)*(->.*)?$", head, re.DOTALL):
        return False
    return not re.search(r"(?<![=!<>])=(?!=)\s*\S*\s*$", bare) and not re.search(r"\breturn\b", bare)


def cpp_functions(text):
    """(first line, last line) of every function body of a C++ source."""
    code, found, kinds, begun, head = tree.blank(text), [], [], None, ""
    code = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), code)
    for at, character in enumerate(code):
        if character == "{":
            function = "function" not in kinds and "data" not in kinds and is_function(head)
            if function:
                begun = at
            other = "scope" if SCOPE.search(head) else "data" if "=" in head else "block"
            kinds.append("function" if function else other)
            head = ""
        elif character == "}":
            if kinds and kinds.pop() == "function":
                found.append((tree.line_of(code, begun), tree.line_of(code, at)))
            head = ""
        elif character == ";":
            head = ""
        else:
            head += character
    return found


def python_functions(text):
    """(first line, last line) of every function of a Python source."""
    return [(node.lineno, node.end_lineno) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def of_text(path, text):
    """What is too long in one file."""
    lines = text.count("\n")
    found = [f"{path}:{lines}: {lines} lines; a file has at most {LONGEST_FILE}"] if lines > LONGEST_FILE else []
    functions = python_functions(text) if path.suffix == ".py" else cpp_functions(text)
    return found + [f"{path}:{first}: a function of {last - first + 1} lines; at most {LONGEST_FUNCTION}"
                    for first, last in functions if last - first + 1 > LONGEST_FUNCTION]


def violations(root):
    """Everything of the tree that is too long."""
    files = [path for path in tree.tracked_files(root)
             if path.suffix in {".cpp", ".hpp", ".py"} and "corpus" not in path.parts]
    return [violation for path in files for violation in of_text(path, tree.read(root, path))]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
