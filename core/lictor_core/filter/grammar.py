"""The grammar, for lark's LALR parser with its contextual lexer, and a parser of it.

Spaces count in this language: words stand between spaces, `==` and `!=` need none. So they are part of the terminals.
What is a word of the language in one place is a bare value in another, as in `Tags contains not`: the contextual lexer
knows by the place. Source: Consul's document `api-docs/features/filtering`, and what Consul 1.8.7 takes.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from lark import Lark, UnexpectedInput

__all__ = ["PHRASES", "SPACES", "expected_at_error", "parser"]

SPACES: Final = " \t\r\n"

_GRAMMAR: Final = r"""
?start: either | both_or_less
either: both_or_less (_OR both_or_less)+
?both_or_less: both | term
both: term (_AND term)+
?term: _NOT term -> negated
    | _OPEN start _CLOSE
    | match
?match: selector (EQUAL | NOT_EQUAL | CONTAINS | NOT_CONTAINS | MATCHES | NOT_MATCHES) value -> comparison
    | selector (IS_EMPTY | IS_NOT_EMPTY) -> emptiness
    | value (IN | NOT_IN) selector -> membership
value: selector | NUMBER | TEXT
selector: NAME (MEMBER | KEY)*

_OR: /[ \t\r\n]+or[ \t\r\n]+/
_AND: /[ \t\r\n]+and[ \t\r\n]+/
_NOT.2: /not(?![ \t\r\n]+in[ \t\r\n]+[a-zA-Z](?:[\w.]|\[[^\]]*\])*[ \t\r\n]*(?:\Z|\)|(?:and|or)[ \t\r\n]))[ \t\r\n]+/
_OPEN: /\([ \t\r\n]*/
_CLOSE: /[ \t\r\n]*\)/
EQUAL: /[ \t\r\n]*==[ \t\r\n]*/
NOT_EQUAL: /[ \t\r\n]*!=[ \t\r\n]*/
CONTAINS: /[ \t\r\n]+contains[ \t\r\n]+/
NOT_CONTAINS: /[ \t\r\n]+not[ \t\r\n]+contains[ \t\r\n]+/
MATCHES: /[ \t\r\n]+matches[ \t\r\n]+/
NOT_MATCHES: /[ \t\r\n]+not[ \t\r\n]+matches[ \t\r\n]+/
IS_EMPTY: /[ \t\r\n]+is[ \t\r\n]+empty/
IS_NOT_EMPTY: /[ \t\r\n]+is[ \t\r\n]+not[ \t\r\n]+empty/
IN: /[ \t\r\n]+in[ \t\r\n]+/
NOT_IN: /[ \t\r\n]+not[ \t\r\n]+in[ \t\r\n]+/
NAME: /[a-zA-Z][a-zA-Z0-9_]*/
MEMBER: /\.[a-zA-Z][a-zA-Z0-9_]*/
KEY: /\[[ \t\r\n]*(?:"[^"]*"|`[^`]*`)[ \t\r\n]*\]/
NUMBER: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?=[ \t\r\n)]|\Z)/
TEXT: /"[^"]*"|`[^`]*`/
"""
# `_NOT` steps back where `not` is itself what is looked for, as in `not in Tags`.

PHRASES: Final = {
    "_OR": '"or"',
    "_AND": '"and"',
    "_NOT": '"not"',
    "_OPEN": '"("',
    "_CLOSE": '")"',
    "NAME": "a name",
    "NUMBER": "a number",
    "TEXT": "a quoted text",
    "$END": "the end",
    "EQUAL": '"=="',
    "NOT_EQUAL": '"!="',
    "CONTAINS": '"contains"',
    "NOT_CONTAINS": '"not contains"',
    "MATCHES": '"matches"',
    "NOT_MATCHES": '"not matches"',
    "IS_EMPTY": '"is empty"',
    "IS_NOT_EMPTY": '"is not empty"',
    "IN": '"in"',
    "NOT_IN": '"not in"',
}
"""How messages name what may stand in a place, in this order; that a name may go on is not worth a word."""


@cache
def parser() -> Lark:
    """The parser, made once."""
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=False)


def expected_at_error(text: str, at: int) -> set[str]:
    """The terminals that could stand at `at` in `text`, where it stops being a filter."""
    walk = parser().parse_interactive(text)
    try:
        for token in walk.iter_parse():
            if token.start_pos is not None and token.start_pos >= at:
                break  # before the parser has taken it, and given up what could have been
    except UnexpectedInput:
        pass
    return walk.accepts()
