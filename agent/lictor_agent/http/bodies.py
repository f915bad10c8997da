"""Request bodies: bytes to plain values, with the texts for wrong JSON that Consul's clients know.

Consul decodes with Go's `encoding/json`: the first value counts, what follows it is ignored, bytes that are no UTF-8
become replacement characters, names of members ignore case. msgspec reads the usual body; only what it refuses is read
again by the tolerant way, so that a wrong body costs more than a right one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Final, cast

import msgspec

from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_config.reading import Dialect, Problem, Reader
from lictor_core.aside import ASIDE_BYTES_MIN, aside
from lictor_core.codec import check_nesting
from lictor_core.errors import RequestError
from lictor_core.limits import NESTING_MAX

__all__ = ["DECODE_FAILED", "decode_json", "read_json", "read_mapping", "refuse_problems"]

DECODE_FAILED: Final = "Request decode failed: "
_SPACE: Final = " \t\r\n"
_LITERALS: Final = ("null", "true", "false")
_NAMESPACE_WORDS: Final = " - Namespaces are a Consul Enterprise feature"
_CHARACTERS_AFTER: Final = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Invalid \\uXXXX escape": "in \\u hexadecimal character escape",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
}


async def read_json(request: Request, bytes_max: int, *, status: int = 400, prefix: str = DECODE_FAILED) -> object:
    """The JSON value in the body. Raises a `Refusal` with `status` and `prefix` for anything else."""
    data = await request.read_body(bytes_max)
    try:
        if len(data) < ASIDE_BYTES_MIN:
            return decode_json(data)
        return await aside(partial(decode_json, data))
    except RequestError as error:
        raise Refusal(prefix + str(error), status=status) from error


async def read_mapping(request: Request, bytes_max: int, *, status: int = 400, prefix: str = DECODE_FAILED) -> Reader:
    """The JSON object in the body, to be read member by member; null counts as an empty one, as in Go."""
    value = await read_json(request, bytes_max, status=status, prefix=prefix)
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise Refusal(f"{prefix}json: cannot unmarshal {_kind(value)} into an object", status=status)
    return Reader(cast("Mapping[str, object]", value), dialect=Dialect.HTTP)


def refuse_problems(reader: Reader, *, status: int = 400, prefix: str = DECODE_FAILED) -> None:
    """Raise a `Refusal` that names every problem noted in `reader`; nothing when there is none."""
    if reader.problems:
        raise Refusal(prefix + "; ".join(_problem_text(one) for one in reader.problems), status=status)


def decode_json(data: bytes) -> object:
    """The first JSON value in `data`. Raises `RequestError` with Go's words for what is wrong."""
    try:
        value = cast(object, msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _decode_tolerantly(data.decode(errors="replace"))
    if data.count(b"{") + data.count(b"[") > NESTING_MAX:  # fewer cannot be nested too deeply
        check_nesting(value, "json: the value")
    return value


def _decode_tolerantly(text: str) -> object:
    start = len(text) - len(text.lstrip(_SPACE))
    if start == len(text):
        raise RequestError("EOF")
    try:
        value, _ = _DECODER.raw_decode(text, start)
        return _with_whole_text(cast(object, value))
    except json.JSONDecodeError as error:
        raise RequestError(_go_words(text, error)) from None
    except RecursionError:
        raise RequestError("json: nested too deeply; flatten the value") from None
    except ValueError:
        raise RequestError("json: a number has too many digits") from None


def _with_whole_text(value: object) -> object:
    """`value` with each lone surrogate in its texts replaced, as Go does: they are half a character, and no UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value if whole == text else cast(object, json.loads(whole))


def _refuse_constant(name: str) -> object:
    raise RequestError(f"invalid character '{name[0]}' looking for beginning of value")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _go_words(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos
    if error.msg.startswith("Unterminated string") or not text[position:].strip(_SPACE):
        return "unexpected EOF"
    # Python points before the space that may precede the character, Go names the character itself.
    position += len(text[position:]) - len(text[position:].lstrip(_SPACE))
    character = text[position]
    for message, where in _CHARACTERS_AFTER.items():
        if error.msg.startswith(message):
            return f"invalid character {_quoted(character)} {where}"
    if error.msg.startswith("Expecting ',' delimiter"):
        where = "after object key:value pair" if _is_in_object(text, position) else "after array element"
        return f"invalid character {_quoted(character)} {where}"
    return _literal_words(text, position)


def _literal_words(text: str, position: int) -> str:
    for literal in _LITERALS:
        if text[position] != literal[0]:
            continue
        for offset, expected in enumerate(literal):
            if position + offset >= len(text):
                return "unexpected EOF"
            found = text[position + offset]
            if found != expected:
                return f"invalid character {_quoted(found)} in literal {literal} (expecting {_quoted(expected)})"
    if text[position] == "-":
        return "invalid character in numeric literal"
    return f"invalid character {_quoted(text[position])} looking for beginning of value"


def _is_in_object(text: str, position: int) -> bool:
    opened: list[str] = []
    is_text = False
    escaped = False
    for character in text[:position]:
        if is_text:
            is_text = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            is_text = True
        elif character in "{[":
            opened.append(character)
        elif character in "}]" and opened:
            opened.pop()
    return bool(opened) and opened[-1] == "{"


def _quoted(character: str) -> str:
    return "'\\''" if character == "'" else f"'{character}'"


def _kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case _:
            return "array"


def _problem_text(problem: Problem) -> str:
    if problem.message in ('json: unknown field "Namespace"', 'json: unknown field "SourceNamespace"'):
        return problem.message + _NAMESPACE_WORDS
    return problem.message if problem.message.startswith("json:") else str(problem)
