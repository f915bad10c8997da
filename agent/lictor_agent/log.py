"""Where log events go: one line each on standard output, for people or as JSON.

Every event has a name, `room.noun.verb_past`, and keys; nobody formats sentences. Bound once: the node's name. A
mistake of ours is followed by its traceback.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from lictor_core.errors import ConfigurationError

__all__ = ["LEVELS", "make_log"]

LEVELS: Final = {"trace": 0, "debug": 10, "info": 20, "warn": 30, "err": 40}
"""Names of the levels as `-log-level` takes them."""
_SHOWN: Final = {"debug": "DEBUG", "info": "INFO ", "warning": "WARN ", "error": "ERROR", "critical": "ERROR"}
_COLOURS: Final = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}
_PLAIN: Final = "\x1b[0m"
_VALUE_CHARS_MAX: Final = 1000
"""The longest value of a key that a line shows: what others sent may be long."""


def make_log(level: str, *, as_json: bool, node: str, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes events of `level` and above to `stream`, standard output if none is given.

    Raises `ConfigurationError` for a level that is none of `LEVELS`.
    """
    if level.lower() not in LEVELS:
        raise ConfigurationError(f"log level {level!r} is unknown: use one of {', '.join(LEVELS)}")
    out = sys.stdout if stream is None else stream
    renderer: Processor = _json_line if as_json else _people_line(colour=out.isatty())
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.lower()]),
        node=node,
    )
    return logger.bind()


class _Lines:
    """Writes lines to a stream, and goes on without when nobody reads them any more: a log must not end an agent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


def _json_line(logger: WrappedLogger, name: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def _people_line(*, colour: bool) -> Processor:
    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        level, title = str(event.pop("level")), str(event.pop("event"))
        stamp = str(event.pop("timestamp"))
        traceback = event.pop("exception", None)
        keys = " ".join(f"{key}={_value(value)}" for key, value in event.items() if key != "node")
        line = f"{stamp} [{_SHOWN.get(level, level)}] {title}"
        if colour and level in _COLOURS:
            line = f"{_COLOURS[level]}{line}{_PLAIN}"
        told = f"{line}: {keys}" if keys else line
        return told if traceback is None else f"{told}\n{traceback}"

    return render


def _value(value: object) -> str:
    """One value on one line: what could be read as something else, or as a line of its own, is quoted."""
    text = str(value)
    if len(text) > _VALUE_CHARS_MAX:
        text = f"{text[:_VALUE_CHARS_MAX]}..."
    return text if text.isprintable() and text and " " not in text and '"' not in text else repr(text)
