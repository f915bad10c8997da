"""HCL as Consul's configuration files use it: version 1 of the language, read with the line of every key.

Why not python-hcl2: it reads version 2, and so refuses what stands in many agent files (quoted keys as in
`service_ttl { "*" = "5s" }`, hexadecimal numbers), keeps no line of an attribute, and needs over a second for its first
file. The grammar of version 1, after https://github.com/hashicorp/hcl/tree/v1.0.0:

    body  = { key ("=" value | { key } object) [","] }      key = identifier | string
    value = string | heredoc | number | true | false | list | object
    list  = "[" [ value { "," value } [","] ] "]"            object = "{" body "}"

A block that stands there twice becomes a list of mappings, and what is written as a list goes behind it: `services {}`
and `services = [{}]` in one file are two services, as two lists are one. Of other values the last holds. A label
(`service "web" {}`) is one more mapping. `${...}` has no meaning, it is text. JSON is read by the same tokens with `:`
for `=`; of equal keys the last holds, whatever it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

from lictor_config.reading import Path
from lictor_core.errors import ConfigurationError

__all__ = ["Document", "SyntaxProblem", "parse_hcl", "parse_json"]

_DEPTH_MAX: Final = 64
_NUMBER_CHARS_MAX: Final = 40
_TOKEN: Final = r"""(?P<space>[ \t\r\n\ufeff]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<heredoc><<(?P<indented>-?)(?P<mark>[A-Za-z0-9_]+)[ \t\r]*\n)
    |(?P<string>%s)
    |(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_.\-]*)
    |(?P<sign>[={}\[\],:])"""
_HCL_TOKEN: Final = re.compile(_TOKEN % r'"(?:[^"\\\n$]|\\.|\$\{[^}\n]*+\}|\$(?!\{))*+"', re.VERBOSE | re.DOTALL)
"""A string's `${...}` may hold quotes. One that does not end is no string: to look for the end of each of many would
take time by the square of the text."""
_JSON_TOKEN: Final = re.compile(_TOKEN % r'"(?:[^"\\\n]|\\.)*+"', re.VERBOSE | re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "/": "/", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
}  # fmt: skip
_HALVES: Final = range(0xD800, 0xE000)
"""Halves of a UTF-16 pair, which are no characters (Unicode, section 3.9)."""
_WORDS: Final = {"true": True, "false": False}


class SyntaxProblem(ConfigurationError):
    """A text that is no HCL or JSON; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Document:
    """The values of a text, and the line of every key and list item."""

    values: dict[str, object]
    lines: dict[Path, int] = field(default_factory=dict[Path, int])


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse_hcl(text: str) -> Document:
    """The document in HCL `text`. Raises `SyntaxProblem`."""
    return _parsed(_Parser(_tokens(text, _HCL_TOKEN), json=False))


def parse_json(text: str) -> Document:
    """The document in JSON `text`, whose outermost value is an object. Raises `SyntaxProblem`."""
    return _parsed(_Parser(_tokens(text, _JSON_TOKEN), json=True))


def _parsed(parser: _Parser) -> Document:
    document = parser.document()
    parser.expect("end")
    return document


def _tokens(text: str, token: re.Pattern[str]) -> list[_Token]:
    tokens: list[_Token] = []
    position, line = 0, 1
    while position < len(text):
        match = token.match(text, position)
        if match is None:
            raise SyntaxProblem(line, _unreadable(text[position:]))
        kind, start = str(match.lastgroup), position
        position = match.end()
        if match["heredoc"] is not None:
            content, position = _heredoc(text, match, line)
            tokens.append(_Token("text", content, line))
        elif kind != "space":
            tokens.append(_Token(kind, match.group(), line))
        line += text.count("\n", start, position)
    tokens.append(_Token("end", "the end of the file", line))
    return tokens


def _unreadable(rest: str) -> str:
    if rest.startswith('"'):
        return "the string that begins here does not end on its line"
    if rest.startswith("/*"):
        return "the comment that begins here does not end"
    return f"unexpected character {rest[0]!r}"


def _heredoc(text: str, match: re.Match[str], line: int) -> tuple[str, int]:
    end = re.compile(rf"^[ \t]*{re.escape(match['mark'])}[ \t\r]*$", re.MULTILINE).search(text, match.end())
    if end is None:
        raise SyntaxProblem(line, f"the text that begins with <<{match['mark']} does not end")
    content = text[match.end() : end.start()]
    if match["indented"]:
        rows = content.split("\n")
        margin = min((len(row) - len(row.lstrip(" \t")) for row in rows if row.strip()), default=0)
        content = "\n".join(row[margin:] for row in rows)
    return content, end.end()


class _Parser:
    def __init__(self, tokens: list[_Token], *, json: bool) -> None:
        self._tokens = tokens
        self._position = 0
        self._json = json
        self._lines: dict[Path, int] = {}
        self._noted: list[Path] = []
        self._spans: dict[Path, tuple[int, int]] = {}
        """Where in `_noted` that stands which was noted within a block: to look for it among all would take time by the
        square of the text."""
        self._depth = 0

    def document(self) -> Document:
        if self._json:
            self._take("{")
            return Document(self._object((), "}"), self._lines)
        return Document(self._object((), "the end of the file"), self._lines)

    def expect(self, kind: str) -> _Token:
        token = self._tokens[self._position]
        if token.kind != kind:
            raise SyntaxProblem(token.line, f"expected {_NAMES[kind]}, found {token.text}")
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _peek(self) -> _Token:
        return self._tokens[self._position]

    def _at(self, text: str) -> bool:
        token = self._peek()
        return token.text == text and token.kind in ("sign", "end")

    def _take(self, sign: str) -> None:
        if not self._at(sign):
            raise SyntaxProblem(self._peek().line, f"expected {sign!r}, found {self._peek().text}")
        self._position += 1

    def _object(self, path: Path, end: str) -> dict[str, object]:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise SyntaxProblem(self._peek().line, f"nested deeper than {_DEPTH_MAX} levels")
        values: dict[str, object] = {}
        while not self._at(end):
            token, key = self._peek(), self._key()
            if key in values and self._json:
                del values[key]  # the last of several equal keys holds, as in Go
            self._member(values, path, key, token.line)
            comma = self._at(",")
            if comma:
                self._take(",")
            elif self._json and not self._at(end):
                raise SyntaxProblem(self._peek().line, f"expected ',' or '}}', found {self._peek().text}")
            if comma and self._json and self._at(end):
                raise SyntaxProblem(self._peek().line, "a comma before '}' has nothing behind it")
        if end == "}":
            self._take("}")
        self._depth -= 1
        return values

    def _key(self) -> str:
        token = self._peek()
        if token.kind == "string" or (token.kind == "word" and not self._json):
            self._position += 1
            return _unquoted(token) if token.kind == "string" else token.text
        raise SyntaxProblem(token.line, f"expected a key, found {token.text}")

    def _member(self, values: dict[str, object], path: Path, key: str, line: int) -> None:
        separator = ":" if self._json else "="
        here = (*path, key)
        if self._at(separator):
            self._take(separator)
            if not self._json and self._at("{"):
                self._block(values, here, line)
            elif not self._json and self._at("["):
                siblings = self._siblings(values, here) or []
                if here not in self._lines:
                    self._note(here, line)
                self._take("[")
                values[key] = self._list(here, siblings)
            else:
                self._note(here, line)
                values[key] = self._value(here)
        elif self._json:
            raise SyntaxProblem(self._peek().line, f"expected ':' behind the key {key!r}, found {self._peek().text}")
        else:
            self._block(values, here, line)

    def _block(self, values: dict[str, object], here: Path, line: int) -> None:
        key = str(here[-1])
        siblings = self._siblings(values, here)
        if siblings is not None:
            here = (*here, len(siblings))
        begin = len(self._noted)
        self._note(here, line)
        labels: list[str] = []
        while not self._at("{"):
            labels.append(self._key())
        self._take("{")
        block: dict[str, object] = self._object((*here, *labels), "}")
        self._spans[here] = begin, len(self._noted)
        for label in reversed(labels):
            block = {label: block}
        if siblings is not None:
            siblings.append(block)
        else:
            values[key] = block

    def _siblings(self, values: dict[str, object], here: Path) -> list[object] | None:
        """The list that a further mapping or list at `here` goes to; none where there is no mapping or list yet."""
        key = str(here[-1])
        earlier = values.get(key)
        if isinstance(earlier, dict):
            self._renumber(here)
            values[key] = [earlier]
        found = values.get(key)
        return cast("list[object]", found) if isinstance(found, list) else None

    def _renumber(self, here: Path) -> None:
        """The mapping at `here` becomes the first of a list."""
        begin, end = self._spans[here]
        for path in self._noted[begin:end]:
            self._note((*here, 0, *path[len(here) :]), self._lines[path])

    def _note(self, path: Path, line: int) -> None:
        self._lines[path] = line
        self._noted.append(path)

    def _value(self, path: Path) -> object:
        token = self._peek()
        if self._at("{"):
            self._take("{")
            return self._object(path, "}")
        if self._at("["):
            self._take("[")
            return self._list(path, [])
        self._position += 1
        match token.kind:
            case "string":
                return _unquoted(token)
            case "text":
                return token.text
            case "number":
                return _number(token)
            case "word" if token.text in _WORDS:
                return _WORDS[token.text]
            case "word" if token.text == "null" and self._json:
                return None
            case _:
                raise SyntaxProblem(token.line, f"expected a value, found {token.text}")

    def _list(self, path: Path, values: list[object]) -> list[object]:
        """`values` with the items of the list that begins here behind them."""
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise SyntaxProblem(self._peek().line, f"nested deeper than {_DEPTH_MAX} levels")
        while not self._at("]"):
            here = (*path, len(values))
            self._note(here, self._peek().line)
            values.append(self._value(here))
            if self._at("]"):
                break
            if not self._at(","):
                raise SyntaxProblem(self._peek().line, f"expected ',' or ']', found {self._peek().text}")
            self._take(",")
            if self._json and self._at("]"):
                raise SyntaxProblem(self._peek().line, "a comma before ']' has nothing behind it")
        self._take("]")
        self._depth -= 1
        return values


_NAMES: Final = {"end": "the end of the file"}


def _unquoted(token: _Token) -> str:
    text = _ESCAPE.sub(_unescaped, token.text[1:-1])
    # JSON writes characters beyond U+FFFF as two escapes, halves of a UTF-16 pair
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in token.text else text


def _unescaped(match: re.Match[str]) -> str:
    for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if match[group]:
            code = int(match[group], base)
            is_half = base == 16 and group != 1 and code in _HALVES  # those written with four digits may come in pairs
            return chr(code) if code < 0x110000 and not is_half else "\ufffd"
    return _ESCAPES.get(match[5], match[0])


def _number(token: _Token) -> int | float:
    text = token.text
    if len(text) > _NUMBER_CHARS_MAX:
        raise SyntaxProblem(token.line, f"the number {text[:_NUMBER_CHARS_MAX]}... is too long")
    if "x" in text.lower():
        return int(text, 16)
    return float(text) if any(sign in text for sign in ".eE") else int(text)
