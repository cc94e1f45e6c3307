# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that everything public has a counterpart in the Python package, or a reason in bindings/python/left_out.toml.

A class or structure is a class of the same name with the same members (`async_share` is `share`); an enumerator is a
member in capitals; an error code is a class (`timed_out`: TimedOut); a free function is a function; the members of
`XOptions` are the arguments of Node.x (of Node itself for NodeOptions, of Tube.listen for ListenOptions)."""
import ast
import re
import tomllib
from pathlib import Path

import tree

PACKAGE = "bindings/python/tubes"
LEFT_OUT = "bindings/python/left_out.toml"
OPTIONS_OF = {"NodeOptions": "Node.__init__", "ListenOptions": "Tube.listen", "RoomOptions": "Node.join_room"}
TYPE = re.compile(r"^(?P<indent> *)(?P<kind>class|struct|enum class) (?:TUBES_API )?(?P<name>(?!boost)\w+)[^;{]*\{", re.MULTILINE)
FUNCTION = re.compile(r"^TUBES_API [^;=]*?\b(?P<name>\w+)\(", re.MULTILINE)
METHOD = re.compile(r"^    (?:static )?[\w:<>,&* ]*?[&* ](?P<name>[a-z]\w*)\(", re.MULTILINE)
FIELD = re.compile(r"^    [\w:]+(?:<[^;=({]*>)? (?P<names>\w+(?:, \w+)*)(?: = [^;]*)?;", re.MULTILINE)
OURS = {"to_string", "make_error_code", "operator"}


def body_of(code, opening):
    """The text between an opening brace and its closing one."""
    depth = 0
    for at in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return code[opening + 1 : at]
    return code[opening + 1 :]


def members_of(kind, body, indent):
    """The names of what a type declares: enumerators, fields and public functions."""
    if kind == "enum class":
        return re.findall(r"\b([a-z]\w*)\s*(?:=\s*\d+)?\s*(?:,|$)", re.sub(r"\s+", " ", body).strip() + ",")
    visible = body.split("public:", 1)[-1] if kind == "class" else body
    flat, depth = "", 0
    for character in visible:
        depth += {"{": 1, "}": -1}.get(character, 0)
        flat += character if depth == 0 or character == "\n" else ""
    flat = re.sub(r"^" + " " * len(indent), "", flat.replace("}", ";"), flags=re.MULTILINE)
    names = [match["name"] for match in METHOD.finditer(flat)]
    for match in FIELD.finditer(flat):
        if "(" not in match.group(0) and not re.match(r"\s*(using|friend|enum|static constexpr)\b", match.group(0)):
            names += match["names"].split(", ")
    return sorted(set(names))


def declared(text):
    """(what, members) of everything one public header declares."""
    code = re.sub(r"namespace detail \{.*?\n\}  // namespace detail", "", text, flags=re.DOTALL)
    code = re.sub(r"^private:\n.*?^\};", "};", tree.blank(code), flags=re.DOTALL | re.MULTILINE)
    found = []
    for match in TYPE.finditer(code):
        found.append((match["name"], match["kind"], members_of(match["kind"], body_of(code, match.end() - 1),
                                                               match["indent"])))
    found += [(match["name"], "function", []) for match in FUNCTION.finditer(code)]
    return found


def python_names(root):
    """Every name of the package: classes, "Class.member", functions, "Class.method(argument"."""
    names = set()
    for path in sorted(Path(root, PACKAGE).glob("*.py*")):
        if path.suffix in {".py", ".pyi"}:
            add_names(ast.parse(path.read_text(encoding="utf-8")), "", names)
    return names


def add_names(node, prefix, names):
    """The names below one node of a syntax tree."""
    for each in node.body:
        if isinstance(each, ast.ClassDef):
            names.add(each.name)
            add_names(each, f"{each.name}.", names)
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(prefix + each.name)
            arguments = each.args.args + each.args.kwonlyargs + each.args.posonlyargs
            names.update(f"{prefix}{each.name}({argument.arg}" for argument in arguments)
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            names.add(prefix + each.target.id)
        elif isinstance(each, ast.Assign):
            names.update(prefix + target.id for target in each.targets if isinstance(target, ast.Name))


def counterparts(name, kind, member):
    """How Python may call a member, or the thing itself where `member` is empty."""
    if name == "Errc":
        return ["Errc"] if not member else ["".join(part.capitalize() for part in member.split("_"))]
    if name.endswith("Options"):
        function = OPTIONS_OF.get(name, "Node." + name.removesuffix("Options").lower())
        return [f"{function}({member}"] if member else [function]
    if name == "Kind":
        name = "EndpointKind"
    if not member:
        return [name]
    return [f"{name}.{member.upper()}"] if kind == "enum class" else [f"{name}.{member.removeprefix('async_')}"]


def violations(root):
    """Public declarations without counterpart and without reason, and reasons that nothing needs."""
    names = python_names(root)
    path = Path(root, LEFT_OUT)
    reasons = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found, used = [], set()
    for header in sorted(Path(root, "tubes/include/tubes").glob("*.hpp")):
        for name, kind, members in declared(header.read_text(encoding="utf-8")):
            for member in ["", *members]:
                if (member or name) in OURS or member.startswith("operator"):
                    continue
                label = f"{name}.{member}" if member else name
                if any(each in names for each in counterparts(name, kind, member)):
                    continue
                if reasons.get(label) or (member and reasons.get(name)):
                    used.update({label, name})
                    continue
                found.append(f"tubes/include/tubes/{header.name}:1: {label} has no counterpart in {PACKAGE} "
                             f"({' or '.join(counterparts(name, kind, member))}), and no reason in {LEFT_OUT}")
    return found + [f"{LEFT_OUT}:1: the reason for {label} is not needed" for label in reasons if label not in used]


if __name__ == "__main__":
    tree.main(lambda arguments: violations(arguments.root), __doc__)
