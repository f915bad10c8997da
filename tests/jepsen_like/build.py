"""Histories for tests, in few words: `lines("0 invoke write 1", "0 ok write 1")`."""

from __future__ import annotations

from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Mode, Op, Value


def lines(*texts: str, key: str = "k") -> list[Op]:
    """A line is `process kind f value [mode] [node] [index]`.

    A value is a number, `-` for none, `1,2` for numbers, `,` for an empty list, `1>2` for old and new.
    """
    return [_op(number, text, key) for number, text in enumerate(texts)]


def history(*texts: str) -> list[Call]:
    """The calls of such lines."""
    return calls(lines(*texts))


def txns(*texts: str) -> list[Call]:
    """A line is `process kind micro ...`: `+x1` appends 1 to x, `x:1,2` reads it, `x:` finds nothing, `x?` asks."""
    return calls([_txn(number, text) for number, text in enumerate(texts)])


def _op(number: int, text: str, key: str) -> Op:
    process, kind, f, value, *rest = text.split()
    mode = rest[0] if rest else ("default" if f == "read" else "")
    return Op(
        time_ms=float(number),
        process=int(process),
        kind=Kind(kind),
        f=f,
        key=key,
        value=_value(value),
        mode=Mode(mode),
        node=rest[1] if len(rest) > 1 else "n1",
        x_index=int(rest[2]) if len(rest) > 2 else None,
    )


def _value(text: str) -> Value:
    if text == "-":
        return None
    if ">" in text:
        return tuple(None if part == "-" else int(part) for part in text.split(">"))
    if "," in text:
        return tuple(int(part) for part in text.split(",") if part)
    return int(text)


def _txn(number: int, text: str) -> Op:
    process, kind, *micro = text.split()
    return Op(float(number), int(process), Kind(kind), "txn", "g", tuple(map(_micro, micro)), Mode.NONE, "n1")


def _micro(text: str) -> Value:
    if text.startswith("+"):
        return "append", text[1], int(text[2:])
    key, numbers = text[0], text[2:]
    return "r", key, None if text.endswith("?") else tuple(int(one) for one in numbers.split(",") if one)
