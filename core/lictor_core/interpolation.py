"""Texts with `${...}` in them: the small language in which templates of prepared queries are written. Pure.

An expression is a variable (`name.full`), a call of the one function (`match(1)`), a text in quotes, a number, or
numbers with `+ - * / %` between them, carried out from left to right whatever they are, and parentheses. `$$` is a
dollar sign. What is behind the variables is known only when a query is run, so an expression is parsed then, and once
before with empty variables, to refuse what cannot be carried out. Source: HIL as in Consul 1.8.7, which was asked for
all of it; what ends its server (a division by zero, `+1`, a number in quotes) is refused, or is what it seems to be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from lictor_core.errors import RequestError

__all__ = ["DEPTH_MAX", "interpolate"]

DEPTH_MAX: Final = 32
"""Parentheses, calls and texts in one another."""

_SPACE: Final = " \t\r\n"
_NAME: Final = re.compile(r"[A-Za-z_.][\w.*-]*")
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?")
_OPERATORS: Final = "+-*/%"
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
_BITS: Final = 64
_FLOAT_DIGITS: Final = 17
"""So many tell any two floats apart."""

Value = str | int | float
Match = Callable[[int], str]


def interpolate(text: str, variables: Mapping[str, str], match: Match, chars_max: int) -> str:
    """`text` with all expressions carried out; `match(n)` is what the function answers.

    Raises `RequestError` for an expression that is none, or that cannot be carried out with these variables, and where
    the text or what becomes of it is longer than `chars_max`: a variable may be long, and stand there many times.
    """
    return text if "$" not in text else _Parser(text, variables, match, chars_max).whole()


class _Parser:
    """One text, read from its beginning and carried out on the way."""

    def __init__(self, text: str, variables: Mapping[str, str], match: Match, chars_max: int) -> None:
        self._text = text
        self._chars_max = chars_max
        self._chars = 0
        self._variables = variables
        self._match = match
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        """The whole text."""
        self._count(self._text)
        self._chars = 0
        return "" if self._text == "$" else self._literal(end="")

    def _literal(self, *, end: str) -> str:
        """Plain text with expressions in it, up to `end` (or all there is, where that is empty)."""
        parts: list[str] = []
        while self._at < len(self._text):
            if end and self._text[self._at] == end:
                break
            if self._text.startswith("$$", self._at):
                part = "$"
                self._at += 2
            elif self._text.startswith("${", self._at):
                self._at += 2
                part = _shown(self._deeper(self._expression))
                self._expect("}")
            elif end and self._text[self._at] == "\\":
                part = self._escape()
            else:
                part = self._text[self._at]
                self._at += 1
            self._count(part)
            parts.append(part)
        return "".join(parts)

    def _count(self, part: str) -> None:
        self._chars += len(part)
        if self._chars > self._chars_max:
            raise RequestError(
                f"{self._shown_text()} becomes longer than the {self._chars_max} characters that are left for it:"
                " write less, or ask for a shorter name"
            )

    def _escape(self) -> str:
        found = _ESCAPES.get(self._text[self._at + 1 : self._at + 2])
        self._at += 1 if found is None else 2
        return "\\" if found is None else found

    def _expression(self) -> Value:
        value = self._term()
        while (operator := self._peek()) and operator in _OPERATORS:
            self._at += 1
            value = _calculated(operator, value, self._term())
        return value

    def _term(self) -> Value:
        character = self._peek()
        if character == "-":
            self._at += 1
            return _calculated("-", 0, self._deeper(self._term))
        if character == "(":
            self._at += 1
            value = self._deeper(self._expression)
            self._expect(")")
            return value
        if character == '"':
            self._at += 1
            text = self._deeper(lambda: self._literal(end='"'))
            if self._at == len(self._text):
                raise self._flaw()
            self._at += 1
            return text
        if (number := _NUMBER.match(self._text, self._at)) is not None:
            self._at = number.end()
            return self._number(number[0])
        if (name := _NAME.match(self._text, self._at)) is not None:
            self._at = name.end()
            return self._named(name[0])
        raise self._flaw()

    def _number(self, digits: str) -> int | float:
        if "." in digits:
            return float(digits)
        if len(digits) > 19 or int(digits) >= 1 << _BITS - 1:
            raise RequestError(f"the number {digits[:32]} in {self._shown_text()} is beyond 64 bits")
        return int(digits)

    def _named(self, name: str) -> str:
        if self._peek() != "(":
            if name not in self._variables:
                known = ", ".join(sorted(self._variables))
                raise RequestError(f"{name[:64]!r} in {self._shown_text()} is no variable; there are {known}")
            return self._variables[name]
        self._at += 1
        arguments: list[Value] = []
        while self._peek() != ")":
            arguments.append(self._deeper(self._expression))
            if self._peek() != ",":
                break
            self._at += 1
        self._expect(")")
        if name != "match":
            raise RequestError(f"{name[:64]!r} in {self._shown_text()} is no function; there is match(n)")
        if len(arguments) != 1:
            raise RequestError(f"match in {self._shown_text()} takes one number, and is given {len(arguments)} values")
        return self._match(_integer(arguments[0]))

    def _deeper(self, step: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise RequestError(f"{self._shown_text()} is nested deeper than {DEPTH_MAX} levels")
        value = step()
        self._depth -= 1
        return value

    def _peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while self._text[self._at : self._at + 1] and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._flaw()
        self._at += 1

    def _flaw(self) -> RequestError:
        found = self._text[self._at : self._at + 1]
        where = f"at character {self._at + 1}, {found!r}" if found else "at its end"
        return RequestError(f"{self._shown_text()} cannot be read {where}: write expressions as ${{name.full}}")

    def _shown_text(self) -> str:
        return repr(self._text[:64])


def _calculated(operator: str, one: Value, other: Value) -> int | float:
    """Two numbers in one; the first says whether they are whole ones."""
    if isinstance(one, float):
        return _calculated_exactly(operator, one, _decimal(other))
    left, right = _integer(one), _integer(other)
    if operator in "/%" and right == 0:
        raise RequestError("an expression divides by zero")
    match operator:
        case "+":
            return _wrapped(left + right)
        case "-":
            return _wrapped(left - right)
        case "*":
            return _wrapped(left * right)
        case _:
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)  # towards zero, as in Go
            return _wrapped(quotient if operator == "/" else left - quotient * right)


def _calculated_exactly(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right:
            return left / right
        case "/":
            raise RequestError("an expression divides by zero")
        case _:
            raise RequestError("the remainder (%) is for whole numbers alone")


def _integer(value: Value) -> int:
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise RequestError(f"{str(value)[:64]!r} is used as a whole number, and is none") from None
    return _wrapped(number)


def _decimal(value: Value) -> float:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{str(value)[:64]!r} is used as a number, and is none")
    return number


def _wrapped(number: int) -> int:
    """What is left of it in 64 bits."""
    half = 1 << _BITS - 1
    return (number + half) % (1 << _BITS) - half


def _shown(value: Value) -> str:
    """A value as text; numbers as Go writes them (`strconv.FormatFloat` with 'g' and the fewest digits)."""
    if not isinstance(value, float):
        return str(value)
    digits = next(digits for digits in range(_FLOAT_DIGITS) if float(f"{value:.{digits}e}") == value)
    text = f"{value:.{digits}e}"
    power = int(text.partition("e")[2])
    return f"{value:.{max(digits - power, 0)}f}" if -4 <= power < 6 else text
