"""Which query parameters an endpoint reads, told from its source: itself, and all that it calls in the HTTP API.

A name is read by `parameters.get("x")`, `.all`, `.pairs`, `"x" in parameters`; also where it comes out of a tuple of
names that is gone through, or is handed to a function that reads the parameter it is given.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["parameters_read"]

_PACKAGE: Final = "lictor_agent.http."
_ROOT: Final = Path(__file__).parents[2] / "agent" / "lictor_agent" / "http"
_READS: Final = frozenset({"get", "all", "pairs"})
_ON: Final = {"site": ("site", "Site"), "request": ("requests", "Request")}
"""The names under which every function has these, and the class of each."""


@dataclass
class _Function:
    """What one function reads: names, arguments whose values are names, and what it calls with which names."""

    names: set[str] = field(default_factory=set[str])
    by_argument: set[int] = field(default_factory=set[int])
    calls: list[tuple[str, list[str | None]]] = field(default_factory=list[tuple[str, list[str | None]]])


def parameters_read(endpoint: Callable[..., object]) -> set[str]:
    """Every query parameter that `endpoint` may read."""
    module = endpoint.__module__.removeprefix(_PACKAGE)
    return _closure(f"{module}.{endpoint.__qualname__}", set())


def _closure(name: str, seen: set[str]) -> set[str]:
    if name in seen or (found := _function(name)) is None:
        return set()
    seen.add(name)
    names = set(found.names)
    for callee, arguments in found.calls:
        inner = _function(callee)
        if inner is not None:
            names |= {one for at, one in enumerate(arguments) if one is not None and at in inner.by_argument}
            names |= {one for one in arguments if one is not None and -1 in inner.by_argument}
        names |= _closure(callee, seen)
    return names


def _function(name: str) -> _Function | None:
    module, _, within = name.partition(".")
    return _functions(module).get(within)


@cache
def _functions(module: str) -> dict[str, _Function]:
    path = _ROOT / f"{module}.py"
    if not path.is_file():
        return {}
    tree = ast.parse(path.read_text())
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
            source = (node.module or "").removeprefix(_PACKAGE)
            known |= {one.asname or one.name: f"{source}.{one.name}" for one in node.names}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            known[node.name] = f"{module}.{node.name}"
    return {name: _read(node, known) for name, node in _defined(tree)}


def _defined(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _read(function: ast.FunctionDef | ast.AsyncFunctionDef, known: dict[str, str]) -> _Function:
    found = _Function()
    positions = {one.arg: at for at, one in enumerate(function.args.args)}
    if function.args.vararg is not None:
        positions[function.args.vararg.arg] = -1
    bound = dict(_bindings(function))

    def note(node: ast.expr) -> None:
        match node:
            case ast.Constant(value=str(name)):
                found.names.add(name)
            case ast.Name(id=name) if name in bound:
                for one in bound[name]:
                    note(one)
            case ast.Name(id=name) if name in positions:
                found.by_argument.add(positions[name])
            case _:
                pass

    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=on, attr=attribute), args=[first, *_]) if (
                attribute in _READS and _is_parameters(on)
            ):
                note(first)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]) if _is_parameters(right):
                note(left)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in known:
                found.calls.append((known[name], [_constant(one) for one in arguments]))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in _ON:
                module, owner = _ON[name]
                found.calls.append((f"{module}.{owner}.{attribute}", []))
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
                for module, owner in _ON.values():
                    found.calls.append((f"{module}.{owner}.{attribute}", []))
            case _:
                pass
    return found


def _bindings(function: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    """Variables that go through a tuple of constants or through an argument, with what they go through."""
    for node in ast.walk(function):
        match node:
            case ast.For(target=ast.Name(id=name), iter=over) | ast.comprehension(target=ast.Name(id=name), iter=over):
                yield name, list(over.elts) if isinstance(over, ast.Tuple | ast.List) else [over]
            case _:
                pass


def _is_parameters(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="parameters") | ast.Attribute(attr="parameters"):
            return True
        case _:
            return False


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
