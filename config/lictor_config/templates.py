"""Addresses written as templates: `{{ GetInterfaceIP "eth0" }}` and pipelines of lists of interfaces. Pure.

    template = { text | "{{" ["-"] [pipeline] ["-"] "}}" }      pipeline = call { "|" call }
    call     = operand { operand }                               operand  = name | string | number | "(" pipeline ")"

What a call before `|` gives is the last argument of the call behind it. Other things of Go's templates (`with`,
`range`, variables) are refused. Source: the documentation of go-sockaddr's templates, which Consul's `-bind` refers to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from lictor_config.interfaces import Interface
from lictor_config.selections import Selection, TemplateProblem, attribute, by, is_private, moved, ordered, unique

__all__ = ["TemplateProblem", "expand", "is_template"]

_OPEN: Final = "{{"
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<comment>/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>[+-]?\d{1,9}(?![\w.]))
    |(?P<name>[A-Za-z_]\w*)|(?P<sign>[|()])|(?P<other>\S))""",
    re.VERBOSE | re.DOTALL,
)
_DEPTH_MAX: Final = 16
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

Value = str | int | Selection


@dataclass
class _Reading:
    """The tokens of one action, and how far it was read."""

    tokens: list[tuple[str, str]]
    position: int = 0
    depth: int = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token


def is_template(text: str) -> bool:
    """Whether there is anything to expand in `text`."""
    return _OPEN in text


def expand(text: str, interfaces: Sequence[Interface]) -> str:
    """The text that a template makes on a machine with these interfaces. Raises `TemplateProblem`."""
    parts: list[str] = []
    rest, trims = text, False
    while True:
        before, opened, action = rest.partition(_OPEN)
        left = opened and action.startswith("- ")
        before = before.lstrip() if trims else before
        parts.append(before.rstrip() if left else before)
        if not opened:
            return "".join(parts)
        inner, closed, rest = _closed(action.removeprefix("-") if left else action)
        if not closed:
            raise TemplateProblem("{{ is not closed by }}")
        trims = inner.endswith(" -")
        parts.append(_action(inner.removesuffix("-") if trims else inner, tuple(interfaces)))


def _closed(text: str) -> tuple[str, bool, str]:
    """What stands before the }} that is in no string, whether there is one, and what stands behind it."""
    position = 0
    while position < len(text):
        if text.startswith("}}", position):
            return text[:position], True, text[position + 2 :]
        match = _TOKEN.match(text, position)
        is_long = match is not None and match.lastgroup in ("string", "comment")
        position = match.end() if match is not None and is_long else position + 1
    return text, False, ""


def _action(text: str, interfaces: Selection) -> str:
    tokens = [(str(match.lastgroup), match.group().strip()) for match in _TOKEN.finditer(text)]
    reading = _Reading([token for token in tokens if token[0] != "comment"])
    if not reading.tokens:
        if tokens:
            return ""
        raise TemplateProblem("there is nothing between {{ and }}")
    value = _pipeline(reading, interfaces)
    if reading.peek()[0] != "end":
        raise TemplateProblem(f"unexpected {reading.peek()[1]}")
    if isinstance(value, tuple):
        raise TemplateProblem('a list of interfaces is no address: end it with | attr "address"')
    return str(value)


def _pipeline(reading: _Reading, interfaces: Selection) -> Value:
    reading.depth += 1
    if reading.depth > _DEPTH_MAX:
        raise TemplateProblem(f"nested deeper than {_DEPTH_MAX} levels")
    value = _call(reading, interfaces, ())
    while reading.peek() == ("sign", "|"):
        reading.take()
        value = _call(reading, interfaces, (value,))
    reading.depth -= 1
    return value


def _call(reading: _Reading, interfaces: Selection, piped: tuple[Value, ...]) -> Value:
    kind, text = reading.peek()
    if kind != "name":
        if piped:
            raise TemplateProblem(f"a function is wanted behind |, not {text or 'the end'}")
        return _operand(reading, interfaces)
    reading.take()
    arguments: list[Value] = []
    while reading.peek()[0] in ("string", "number") or reading.peek() == ("sign", "("):
        arguments.append(_operand(reading, interfaces))
    return _called(text, (*arguments, *piped), interfaces)


def _operand(reading: _Reading, interfaces: Selection) -> Value:
    kind, text = reading.take()
    match kind:
        case "string":
            return text[1:-1] if text.startswith("`") else _unquoted(text)
        case "number":
            return int(text)
        case "sign" if text == "(":
            value = _pipeline(reading, interfaces)
            if reading.take() != ("sign", ")"):
                raise TemplateProblem("( is not closed by )")
            return value
        case _:
            raise TemplateProblem(f"unexpected {text or 'end'}; strings stand in double quotes")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])


def _called(name: str, arguments: tuple[Value, ...], interfaces: Selection) -> Value:
    function = _FUNCTIONS.get(name)
    if function is None:
        from difflib import get_close_matches  # only asked for when something is wrong

        near = get_close_matches(name, _FUNCTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use {', '.join(_FUNCTIONS)}"
        raise TemplateProblem(f"there is no function {name}; {hint}")
    kinds = function.kinds
    if tuple(type(argument) for argument in arguments) != kinds:
        wanted = " and ".join(_KINDS[kind] for kind in kinds) or "nothing"
        raise TemplateProblem(f"{name} takes {wanted}")
    return function.body(interfaces, arguments)


def _chosen(of: Selection, selector: str, wanted: str, *, keeps: bool) -> Selection:
    test = by(selector.lower(), wanted)
    return tuple(interface for interface in of if test(interface) is keeps)


def _reachable(interfaces: Selection) -> Selection:
    """Those of the default route that others can reach, the largest networks first."""
    test = by("flags", "forwardable")
    found = tuple(one for one in interfaces if one.is_default and test(one) and "up" in one.flags)
    return ordered(found, "type,size")


def _named(interfaces: Selection, pattern: str) -> Selection:
    matches, forwards = by("name", pattern), by("flags", "forwardable")
    return ordered(tuple(one for one in interfaces if matches(one) and forwards(one)), "type,size")


def _named_all(interfaces: Selection, pattern: str) -> Selection:
    matches = by("name", pattern)
    return ordered(tuple(one for one in interfaces if matches(one)), "type,size")


def _private(interfaces: Selection, *, wanted: bool) -> Selection:
    return tuple(one for one in _reachable(interfaces) if is_private(one) is wanted)


def _first(found: Selection, name: str) -> str:
    return attribute(name, found[0]) if found else ""


def _joined(found: Selection, name: str, separator: str) -> str:
    return separator.join(attribute(name, one) for one in found)


def _offset(of: Selection, count: int) -> Selection:
    if abs(count) > len(of):
        raise TemplateProblem(f"offset {count}: there are {len(of)} interfaces only")
    return of[count:]


def _limit(of: Selection, count: int) -> Selection:
    if count < 0:
        raise TemplateProblem(f"limit {count}: write a number from 0")
    return of[:count]


@dataclass(frozen=True)
class _Function:
    """A function: the kinds of its arguments, and what it does with all interfaces and these."""

    kinds: tuple[type, ...]
    body: Callable[[Selection, tuple[Value, ...]], Value]


def _plain(body: Callable[[Selection], Value]) -> _Function:
    return _Function((), lambda everything, _: body(everything))


def _named_by(body: Callable[[Selection, str], Value]) -> _Function:
    return _Function((str,), lambda everything, given: body(everything, cast("str", given[0])))


def _of_list(body: Callable[[Selection, str], Value]) -> _Function:
    return _Function((str, tuple), lambda _, given: body(cast("Selection", given[1]), cast("str", given[0])))


def _of_list_twice(body: Callable[[Selection, str, str], Value]) -> _Function:
    return _Function(
        (str, str, tuple),
        lambda _, given: body(cast("Selection", given[2]), cast("str", given[0]), cast("str", given[1])),
    )


def _of_list_by_count(body: Callable[[Selection, int], Value]) -> _Function:
    return _Function((int, tuple), lambda _, given: body(cast("Selection", given[1]), cast("int", given[0])))


_KINDS: Final[Mapping[type, str]] = {str: "a string", int: "a number", tuple: "a list of interfaces"}
_FUNCTIONS: Final[Mapping[str, _Function]] = {
    "GetAllInterfaces": _plain(lambda everything: everything),
    "GetDefaultInterfaces": _plain(lambda everything: tuple(one for one in everything if one.is_default)),
    "GetInterfaceIP": _named_by(lambda everything, pattern: _first(_named(everything, pattern), "address")),
    "GetInterfaceIPs": _named_by(lambda everything, pattern: _joined(_named_all(everything, pattern), "address", " ")),
    "GetPrivateIP": _plain(lambda everything: _first(_private(everything, wanted=True), "address")),
    "GetPrivateIPs": _plain(lambda everything: _joined(_private(everything, wanted=True), "address", " ")),
    "GetPrivateInterfaces": _plain(lambda everything: _private(everything, wanted=True)),
    "GetPublicIP": _plain(lambda everything: _first(_private(everything, wanted=False), "address")),
    "GetPublicIPs": _plain(lambda everything: _joined(_private(everything, wanted=False), "address", " ")),
    "GetPublicInterfaces": _plain(lambda everything: _private(everything, wanted=False)),
    "attr": _of_list(_first),
    "exclude": _of_list_twice(lambda of, selector, wanted: _chosen(of, selector, wanted, keeps=False)),
    "include": _of_list_twice(lambda of, selector, wanted: _chosen(of, selector, wanted, keeps=True)),
    "join": _of_list_twice(_joined),
    "limit": _of_list_by_count(_limit),
    "math": _of_list_twice(moved),
    "offset": _of_list_by_count(_offset),
    "sort": _of_list(ordered),
    "unique": _of_list(unique),
}
