"""Check the JavaScript of the course: `make lint`. Needs no browser and no node, only a parser written in Python.

Found are: what does not parse, names that nothing declares or nothing uses, methods of `this` that no class has, `var`,
`==` and lines that are too long.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import esprima

PROJECT = Path(__file__).resolve().parents[1]
LONGEST = 120
BROWSER = {
    "Array", "Blob", "CanvasRenderingContext2D", "DOMMatrix", "Float32Array", "Float64Array", "Infinity",
    "Int16Array", "Int32Array", "IntersectionObserver", "Map", "Math", "MutationObserver", "NaN", "Number", "Object",
    "ResizeObserver", "Set", "String", "Uint8Array", "cancelAnimationFrame", "console", "devicePixelRatio",
    "document", "getComputedStyle", "isNaN", "matchMedia", "parseFloat", "parseInt", "performance",
    "clearTimeout", "location", "requestAnimationFrame", "setTimeout", "undefined", "window",
}  # fmt: skip


def children(node: Any) -> Iterator[tuple[str, Any]]:
    """The nodes right below `node`, each with the name of the field that it stands in."""
    for field, value in vars(node).items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(getattr(one, "type", None), str) and field not in ("loc", "range"):
                yield field, one


def bound(pattern: Any) -> Iterator[Any]:
    """The identifiers that a parameter or the left side of a declaration binds."""
    kind = pattern.type
    if kind == "Identifier":
        yield pattern
    elif kind == "AssignmentPattern":
        yield from bound(pattern.left)
    elif kind == "Property":
        yield from bound(pattern.value)
    else:
        for _, inner in children(pattern):
            yield from bound(inner)


class File:
    """What one file declares, uses and does wrong."""

    def __init__(self, text: str) -> None:
        self.declared: dict[str, int] = {}
        self.used: dict[str, int] = {}
        self.methods: set[str] = set()
        self.called: dict[str, int] = {}
        self.wrong = [
            (n, f"longer than {LONGEST}") for n, line in enumerate(text.split("\n"), 1) if len(line) > LONGEST
        ]
        self.exported: set[str] = set()
        self.walk(esprima.parseModule(text, {"loc": True}))
        known = self.declared.keys() | BROWSER
        self.wrong += [(n, f"{name} is not declared") for name, n in self.used.items() if name not in known]
        unused = self.declared.keys() - self.used.keys() - self.exported
        self.wrong += [(self.declared[name], f"{name} is not used") for name in unused if not name.startswith("_")]
        lost = self.called.keys() - self.methods
        self.wrong += [(self.called[name], f"no class has a method {name}") for name in lost]

    def declare(self, pattern: Any) -> None:
        for name in bound(pattern):
            self.declared.setdefault(name.name, name.loc.start.line)

    def walk(self, node: Any, field: str = "", parent: Any = None) -> None:
        kind = node.type
        line = node.loc.start.line if node.loc else 0
        if kind == "VariableDeclaration" and node.kind == "var":
            self.wrong.append((line, "var: use const or let"))
        elif kind == "BinaryExpression" and node.operator in ("==", "!="):
            self.wrong.append((line, f"{node.operator}: use {node.operator}="))
        elif kind in ("VariableDeclarator", "FunctionDeclaration", "ClassDeclaration") and node.id:
            self.declare(node.id)
        elif kind == "CatchClause" and node.param:
            self.declare(node.param)
        elif kind == "MethodDefinition":
            self.methods.add(node.key.name)
        elif kind == "ExportNamedDeclaration" and node.declaration:
            made = node.declaration
            self.exported |= {made.id.name} if getattr(made, "id", None) else {d.id.name for d in made.declarations}
        if "Function" in kind:
            for parameter in node.params:
                self.declare(parameter)
        callee = node.callee if kind == "CallExpression" else None
        if callee and callee.type == "MemberExpression" and callee.object.type == "ThisExpression":
            self.called.setdefault(callee.property.name, line)
        if kind == "Identifier" and self.refers(node, field, parent):
            self.used.setdefault(node.name, line)
        for name, child in children(node):
            self.walk(child, name, node)

    @staticmethod
    def refers(node: Any, field: str, parent: Any) -> bool:
        """Whether an identifier is a use of a name, not a declaration or the name of a property."""
        if parent.type == "MemberExpression":
            return field == "object" or parent.computed
        if parent.type in ("Property", "MethodDefinition"):
            return field == "value" or parent.computed
        if parent.type in ("VariableDeclarator", "FunctionDeclaration", "ClassDeclaration"):
            return field in ("init", "superClass")
        return field != "params" and parent.type not in ("ArrayPattern", "RestElement", "CatchClause")


def main() -> int:
    failed = 0
    for path in sorted((PROJECT / "helpers").rglob("*.js")):
        try:
            wrong = File(path.read_text(encoding="utf-8")).wrong
        except esprima.Error as error:
            wrong = [(error.lineNumber, error.message)]
        for line, words in sorted(wrong):
            print(f"{path.relative_to(PROJECT)}:{line}: {words}")
        failed += len(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
