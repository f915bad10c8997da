"""Where log events go: one line each on standard output, for people or as JSON, and to whoever else listens.

Every event has a name, `room.noun.verb_past`, and keys; nobody formats sentences. Bound once: the node's name. A
mistake of ours is followed by its traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from lictor_core.errors import ConfigurationError

__all__ = ["LEVELS", "LogOutput", "LogSink", "make_log"]

LEVELS: Final = {"trace": 0, "debug": 10, "info": 20, "warn": 30, "err": 40}
"""Names of the levels as `-log-level` takes them."""
_OTHER_LEVELS: Final = {"error": "err", "warning": "warn"}
"""Names that Consul takes, too."""
_SHOWN: Final = {"debug": "DEBUG", "info": "INFO ", "warning": "WARN ", "error": "ERROR", "critical": "ERROR"}
_NUMBERS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_COLOURS: Final = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}
_PLAIN: Final = "\x1b[0m"
_LINES_HELD_MAX: Final = 256
_VALUE_CHARS_MAX: Final = 1000
"""The longest value of a key that a line shows: what others sent may be long."""
_SIMPLE: Final = re.compile(rf"[!#-~]{{1,{_VALUE_CHARS_MAX}}}")
"""Values that are shown as they are, told at one look: nearly all; a development agent shows five for each request."""
_APART: Final = frozenset({"level", "event", "timestamp", "exception", "node"})


class LogSink(Protocol):
    """Who takes lines: called in the middle of whatever is logged, so it must neither wait nor raise."""

    def __call__(self, level: str, line: str) -> None:
        """Take one line without its end; `level` is debug, info, warning, error or critical."""
        ...


@dataclass(eq=False)
class _Listener:
    sink: LogSink
    threshold: int
    as_json: bool
    colour: bool

    def line(self, event: EventDict) -> str:
        """The event in the form that this one wants."""
        return _json_line(event) if self.as_json else _people_line(event, colour=self.colour)


class LogOutput:
    """The log of one process: a logger for its parts, and the sinks that its events go to.

    A sink follows the level of the process, which may change while it runs, or has one of its own, as a monitor has.
    Events that no sink wants cost one comparison.
    """

    def __init__(self, level: str, *, as_json: bool, node: str, stream: TextIO | None = None) -> None:
        """Events of `level` and above go to `stream`, standard output if none is given.

        Raises `ConfigurationError` for a level that is none of `LEVELS`.
        """
        out = sys.stdout if stream is None else stream
        self._as_json = as_json
        self._level = _number(level)
        self._common = [_Listener(_Lines(out).write, self._level, as_json, out.isatty())]
        self._own: list[_Listener] = []
        self.threshold = self._level
        """The lowest level that some sink wants, as a number."""
        self.logger: FilteringBoundLogger = cast(
            "FilteringBoundLogger",
            structlog.wrap_logger(
                self,
                processors=[
                    structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.format_exc_info,
                    _handed_on,
                ],
                wrapper_class=_gated(self),
                node=node,
            ).bind(),
        )

    def set_level(self, level: str) -> None:
        """Change the level of the process. Raises `ConfigurationError` for a level that is none of `LEVELS`."""
        self._level = _number(level)
        for listener in self._common:
            listener.threshold = self._level
        self._settle()

    def add(self, sink: LogSink) -> None:
        """Have events of the process's level go to `sink`, too."""
        self._common.append(_Listener(sink, self._level, self._as_json, colour=False))

    def listen(self, level: str, sink: LogSink, *, as_json: bool = False) -> Callable[[], None]:
        """Have events of `level` and above go to `sink`; the returned function ends that.

        Raises `ConfigurationError` for a level that is none of `LEVELS`.
        """
        listener = _Listener(sink, _number(level), as_json, colour=False)
        self._own.append(listener)
        self._settle()

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._own.remove(listener)
            self._settle()

        return end

    def msg(self, event: EventDict) -> None:
        """Hand one event to the sinks that want it."""
        name = str(event["level"])
        number = _NUMBERS.get(name, LEVELS["err"])
        if len(self._common) == 1 and not self._own:
            listener = self._common[0]
            if number >= listener.threshold:
                listener.sink(name, listener.line(event))
            return
        lines: dict[tuple[bool, bool], str] = {}
        for listener in (*self._common, *self._own):
            if number >= listener.threshold:
                form = (listener.as_json, listener.colour)
                if form not in lines:
                    lines[form] = listener.line(event)
                listener.sink(name, lines[form])

    debug = info = warning = error = critical = msg

    def _settle(self) -> None:
        self.threshold = min(listener.threshold for listener in (*self._common, *self._own))


def make_log(level: str, *, as_json: bool, node: str, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes events of `level` and above to `stream`, standard output if none is given.

    Raises `ConfigurationError` for a level that is none of `LEVELS`.
    """
    return LogOutput(level, as_json=as_json, node=node, stream=stream).logger


def _number(level: str) -> int:
    name = _OTHER_LEVELS.get(level.lower(), level.lower())
    if name not in LEVELS:
        raise ConfigurationError(f"log level {level!r} is unknown: use one of {', '.join(LEVELS)}")
    return LEVELS[name]


def _gated(output: LogOutput) -> type[FilteringBoundLogger]:
    """A class of loggers whose events go no further than a comparison where nobody wants their level."""
    base = structlog.make_filtering_bound_logger(0)
    stamp = _Stamp()

    def gated(name: str, number: int) -> Callable[..., object]:
        inner = cast("Callable[..., object]", getattr(base, name))

        def method(self: object, event: str, *arguments: object, **keys: object) -> object:
            return inner(self, event, *arguments, **keys) if number >= output.threshold else None

        return method

    def debug(self: structlog.BoundLoggerBase, event: str, *arguments: object, **keys: object) -> object:
        """As structlog's with the processors above, in a third of the time: a development agent tells each request."""
        if output.threshold > _NUMBERS["debug"]:
            return None
        if arguments or "exc_info" in keys:
            return plain_debug(self, event, *arguments, **keys)
        context = structlog.get_context(self)
        output.msg({**context, **keys, "event": event, "level": "debug", "timestamp": stamp.now()})
        return None

    plain_debug = cast("Callable[..., object]", base.debug)
    methods: dict[str, object] = {
        name: gated(name, _NUMBERS.get(name, LEVELS["err"]))
        for name in ("debug", "info", "warning", "warn", "error", "critical", "exception")
    }
    methods["warn"] = methods["warning"]
    methods["debug"] = debug

    def is_enabled_for(self: object, level: int) -> bool:
        return level >= output.threshold

    def get_effective_level(self: object) -> int:
        return output.threshold

    methods |= {"is_enabled_for": is_enabled_for, "get_effective_level": get_effective_level}
    return cast("type[FilteringBoundLogger]", type("GatedLogger", (base,), methods))


def _handed_on(logger: WrappedLogger, name: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, object]]:
    return (event,), {}


class _Stamp:
    """The time in UTC as structlog's `TimeStamper` writes it, whose seconds are formatted once each."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def now(self) -> str:
        """Now, to the microsecond."""
        second, rest_ns = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._text}.{rest_ns // 1000:06d}Z"


class _Lines:
    """Writes lines to a stream, and goes on without when nobody reads them any more: a log must not end an agent.

    Lines of the lowest level that come in one pass of the event loop are written together, at its end or with the first
    line of a higher one: to write each costs a development agent as much as to apply the write that it tells of.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._held: list[str] = []
        self._due_on: asyncio.AbstractEventLoop | None = None

    def write(self, level: str, line: str) -> None:
        """Write one line."""
        self._held.append(line)
        if level != "debug" or len(self._held) >= _LINES_HELD_MAX:
            self._write_held()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop runs in this thread
            self._write_held()
            return
        if self._due_on is not loop:  # a loop that is closed will not write any more
            self._due_on = loop
            loop.call_soon(self._write_held)

    def _write_held(self) -> None:
        held, self._held, self._due_on = self._held, [], None
        if held:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write("".join(f"{line}\n" for line in held))
                self._stream.flush()


def _json_line(event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def _people_line(event: EventDict, *, colour: bool) -> str:
    level = str(event["level"])
    keys = " ".join([f"{key}={_value(value)}" for key, value in event.items() if key not in _APART])
    line = f"{event['timestamp']} [{_SHOWN.get(level, level)}] {event['event']}"
    if colour and level in _COLOURS:
        line = f"{_COLOURS[level]}{line}{_PLAIN}"
    told = f"{line}: {keys}" if keys else line
    traceback = event.get("exception")
    return told if traceback is None else f"{told}\n{traceback}"


def _value(value: object) -> str:
    """One value on one line: what could be read as something else, or as a line of its own, is quoted. Lists are quoted
    item by item, and numbers have no more digits than people want.
    """
    if type(value) is str and _SIMPLE.fullmatch(value):
        return value
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return _cut(f"[{', '.join(_value(item) for item in items[:_VALUE_CHARS_MAX])}]")
    text = _number_text(value) if isinstance(value, float) else _cut(str(value))
    return text if text.isprintable() and text and " " not in text and '"' not in text else repr(text)


def _number_text(value: float) -> str:
    small = 0 < abs(value) < 0.001
    return f"{value:.3g}" if small else f"{value:.4f}".rstrip("0").rstrip(".")


def _cut(text: str) -> str:
    return f"{text[:_VALUE_CHARS_MAX]}..." if len(text) > _VALUE_CHARS_MAX else text
