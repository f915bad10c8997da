"""Text to tree. Whatever the text, the only error is `FilterError`, with a position inside the text or at its end."""

from __future__ import annotations

import re
from typing import Final

from lark import Token, Tree, UnexpectedInput
from lark.exceptions import UnexpectedToken

from lictor_core.errors import FilterError
from lictor_core.filter.grammar import PHRASES, SPACES, expected_at_error, parser
from lictor_core.filter.literals import quote, unquote
from lictor_core.filter.tree import All, Either, Expression, Match, Not, Operator, Selector, Value
from lictor_core.limits import FILTER_CHARS_MAX, FILTER_DEPTH_MAX

__all__ = ["parse", "render"]

_Branch = Tree[Token] | Token
_OPERATORS: Final = {
    "EQUAL": Operator.EQUAL,
    "NOT_EQUAL": Operator.NOT_EQUAL,
    "CONTAINS": Operator.IN,
    "NOT_CONTAINS": Operator.NOT_IN,
    "IN": Operator.IN,
    "NOT_IN": Operator.NOT_IN,
    "MATCHES": Operator.MATCHES,
    "NOT_MATCHES": Operator.NOT_MATCHES,
    "IS_EMPTY": Operator.IS_EMPTY,
    "IS_NOT_EMPTY": Operator.IS_NOT_EMPTY,
}
_WORD: Final = re.compile(r"[\w.]{1,20}|.", re.DOTALL)
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_BARE: Final = "a value of more than letters, digits, underscores and dots is quoted"
_WORDS: Final = frozenset({"and", "or", "in", "is", "not", "contains", "matches", "empty"})
_HINTS: Final = {
    "[": 'a key stands in quotes: Meta["a-b"]',
    "'": 'texts stand in " or in `',
    "=": "equality is ==",
    "&": "say and",
    "|": "say or",
    "!": "say not",
    **dict.fromkeys("-/:*@", _BARE),
}
"""What those who wrote this may have meant."""
_UNFINISHED: Final = re.compile(r'"[^"]*\Z|`[^`]*\Z')


def parse(text: str) -> Expression:
    """The tree of `text`. Raises `FilterError` for what is no filter, is too long, or goes too deep."""
    if len(text) > FILTER_CHARS_MAX:
        raise FilterError(
            f"the filter has {len(text)} characters, {FILTER_CHARS_MAX} are allowed: ask for parts of it",
            FILTER_CHARS_MAX,
        )
    start = len(text) - len(text.lstrip(SPACES))
    try:
        tree = parser().parse(text.strip(SPACES))
    except UnexpectedInput as error:
        raise _unexpected(error, text, start) from None
    return _Builder(start).expression(tree, 0)


def render(expression: Expression) -> str:
    """A text whose tree is `expression`; no selector in it begins with `not`, no text has lone surrogates."""
    match expression:
        case Either(terms):
            return " or ".join(_term(term, Either) for term in terms)
        case All(terms):
            return " and ".join(_term(term, Either, All) for term in terms)
        case Not(term):
            return f"not {_term(term, Either, All)}"
        case Match():
            return _match(expression)


def _match(match: Match) -> str:
    path, operator = _path(match.selector), match.operator
    if match.value is None:
        return f"{path} {operator}"
    value = quote(match.value.text)
    return f"{value} {operator} {path}" if operator in (Operator.IN, Operator.NOT_IN) else f"{path} {operator} {value}"


def _term(term: Expression, *grouped: type[Expression]) -> str:
    return f"({render(term)})" if isinstance(term, grouped) else render(term)


def _path(selector: Selector) -> str:
    first, *others = selector.names
    return first + "".join(f".{name}" if _NAME.fullmatch(name) else f"[{quote(name)}]" for name in others)


class _Builder:
    """Makes the tree from lark's, whose tokens stand `start` characters further on in what was sent."""

    def __init__(self, start: int) -> None:
        self._start = start

    def expression(self, branch: _Branch, depth: int) -> Expression:
        assert isinstance(branch, Tree)
        name, children = branch.data, branch.children
        if depth > FILTER_DEPTH_MAX:
            raise FilterError(
                f'the filter nests "not" and parentheses more than {FILTER_DEPTH_MAX} deep: write it flatter', 0
            )
        match name:
            case "negated":
                return Not(self.expression(children[0], depth + 1))
            case "both":
                return All(tuple(self.expression(child, depth + 1) for child in children))
            case "either":
                return Either(tuple(self.expression(child, depth + 1) for child in children))
            case "membership":
                value, operator, selector = children
                return self._match(selector, operator, value)
            case "comparison":
                selector, operator, value = children
                return self._match(selector, operator, value)
            case _:
                selector, operator = children
                return self._match(selector, operator, None)

    def _match(self, selector: _Branch, operator: _Branch, value: _Branch | None) -> Match:
        assert isinstance(operator, Token)
        lead = len(operator) - len(operator.lstrip(SPACES))
        return Match(
            selector=self._selector(selector),
            operator=_OPERATORS[operator.type],
            value=None if value is None else self._value(value),
            at=self._at(operator) + lead,
        )

    def _value(self, branch: _Branch) -> Value:
        assert isinstance(branch, Tree)
        (child,) = branch.children
        if isinstance(child, Tree):
            selector = self._selector(child)
            return Value(str(selector), selector.at)
        if child.type == "TEXT":
            return Value(self._text(child, child.strip(SPACES)), self._at(child))
        return Value(str(child), self._at(child))

    def _selector(self, branch: _Branch) -> Selector:
        assert isinstance(branch, Tree)
        tokens = [child for child in branch.children if isinstance(child, Token)]
        return Selector(tuple(self._name(token) for token in tokens), self._at(tokens[0]))

    def _name(self, token: Token) -> str:
        if token.type == "KEY":
            return self._text(token, token[1:-1].strip(SPACES))
        return token.removeprefix(".")

    def _text(self, token: Token, literal: str) -> str:
        text = unquote(literal)
        if text is None:
            at = self._at(token)
            raise FilterError(f"filter, {_place(at)}: the quoted text has an escape that is none, or a line end", at)
        return text

    def _at(self, token: Token) -> int:
        return self._start + (token.start_pos or 0)


def _unexpected(error: UnexpectedInput, text: str, start: int) -> FilterError:
    stripped = text.strip(SPACES)
    at = len(stripped) if isinstance(error, UnexpectedToken) and error.token.type == "$END" else error.pos_in_stream
    assert at is not None, "lark says where it stopped"
    expected = expected_at_error(stripped, at)
    phrases = [phrase for name, phrase in PHRASES.items() if name in expected]
    wanted = f"{', '.join(phrases[:-1])} or {phrases[-1]}" if len(phrases) > 1 else "".join(phrases)
    place = start + at if at < len(stripped) else len(text)
    while place < len(text) and text[place] in SPACES:
        place += 1
    return FilterError(f"filter, {_place(place)}: found {_found(text, place)}, expected {wanted}", place)


def _found(text: str, place: int) -> str:
    if place >= len(text):
        return "the end"
    if _UNFINISHED.match(text, place) is not None:
        return "a quoted text without an end"
    word = _WORD.match(text, place)
    found = text[place] if word is None else word.group()
    hint = _HINTS.get(found)
    if found in _WORDS and f" {found} " not in text[max(place - 1, 0) : place + len(found) + 1]:
        hint = "words stand between spaces"
    return f"{found!r} ({hint})" if hint else repr(found)


def _place(at: int) -> str:
    """A position as people count."""
    return f"character {at + 1}"
