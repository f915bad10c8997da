"""Typed reading of plain mappings, as they come out of JSON, HCL, flags and HTTP bodies, with all errors at once.

A `Reader` wraps one mapping. Each getter takes a name in snake_case and finds the key in any case; over HTTP with or
without underscores (`tls_skip_verify`, `TLSSkipVerify`, `tlsskipverify` are one), in files as it is but for a few
(`ALIASES`). What is wrong is noted with its path and the getter answers its default, so that one pass finds every
problem. A null is the same as an absent key, over HTTP within lists and mappings of texts as an empty one, as in Go;
in files a list of one value is the same as that value.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = [
    "CHILDREN_MAX",
    "PROBLEMS_MAX",
    "Dialect",
    "Path",
    "Problem",
    "ProblemGroup",
    "Reader",
    "as_list",
    "path_text",
    "without_list",
]

T = TypeVar("T")

Path = tuple[str | int, ...]
"""Where a value stands: keys as they were written, and positions in lists."""

ALIASES: Final = {
    "deregistercriticalserviceafter": "deregister_critical_service_after",
    "dockercontainerid": "docker_container_id",
    "scriptargs": "args",
    "serviceid": "service_id",
    "tlsskipverify": "tls_skip_verify",
}
"""Keys that files may write without underscores, or by an older name: those of checks, as in Consul 1.8.7."""
PROBLEMS_MAX: Final = 100
"""Problems that are told of one input: a body of nothing but mistakes must not become an answer of megabytes."""
CHILDREN_MAX: Final = 4096
"""Mappings in one list or mapping of an HTTP body, such as a service's checks: each is read in turn, and while it is,
nobody else is answered. Files may have any number."""
_VALUE_CHARS_SHOWN_MAX: Final = 40
_KEY_CHARS_SHOWN_MAX: Final = 64
_FOLDED_KEYS_MAX: Final = 2048
"""Keys whose folded form is remembered: a thousand definitions ask for the same hundred names."""
_WHOLE_MAX: Final = 2**63 - 1  # what a whole number of Go holds
_UNSIGNED_MAX: Final = 2**64 - 1


class Dialect(enum.Enum):
    """Where a mapping comes from: an HTTP body takes nanoseconds as numbers, a file wants text with a unit."""

    HTTP = "http"
    FILE = "file"


class ProblemGroup(enum.Enum):
    """What is wrong: the form of the input, one of its values, or a rule that holds between several fields."""

    DECODE = "decode"
    VALUE = "value"
    RULE = "rule"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    path: Path
    message: str
    group: ProblemGroup = ProblemGroup.DECODE

    def __str__(self) -> str:
        where = path_text(self.path)
        return f"{where}: {self.message}" if where else self.message


def path_text(path: Path) -> str:
    """`path` as people write it: `services[1].check.ttl`. Long keys are cut: they stand before all that is below."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_clipped(part, _KEY_CHARS_SHOWN_MAX)}" if text else _clipped(part, _KEY_CHARS_SHOWN_MAX)
    return text


def without_list(value: object) -> object:
    """The mapping in a list of one mapping; every other value as it is."""
    items = as_list(value)
    if items is None or len(items) != 1:
        return value
    first = items[0]
    return items[0] if isinstance(first, Mapping) else value


def as_list(value: object) -> list[object] | None:
    """`value` when it is a list, else None."""
    return cast("list[object]", value) if isinstance(value, list) else None


@functools.lru_cache(maxsize=_FOLDED_KEYS_MAX)
def _folded(key: str) -> str:
    return key.replace("_", "").lower()


@functools.lru_cache(maxsize=_FOLDED_KEYS_MAX)
def _folded_in_file(key: str) -> str:
    return ALIASES.get(key.lower(), key.lower())


@dataclass
class Reader:
    """One mapping being read. `done` must be called at the end: it notes the keys nobody asked for."""

    value: Mapping[str, object]
    path: Path = ()
    dialect: Dialect = Dialect.FILE
    problems: list[Problem] = field(default_factory=list[Problem])

    def __post_init__(self) -> None:
        self._fold = _folded if self.dialect is Dialect.HTTP else _folded_in_file
        self._fields = {self._fold(key): (key, value) for key, value in self.value.items() if value is not None}
        self._asked: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Whether the key is there and not null."""
        return self._fold(name) in self._fields

    def asked(self, name: str) -> bool:
        """Whether somebody asked for the key."""
        return self._fold(name) in self._asked

    def note(self, name: str, message: str, group: ProblemGroup = ProblemGroup.DECODE) -> None:
        """Note a problem of the key `name`, or of the whole mapping when `name` is empty."""
        self._add(Problem((*self.path, *self._written(name)), message, group))

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        return self._get(name, str, "a string", default)

    def boolean(self, name: str, default: bool = False) -> bool:
        """True or false."""
        return self._get(name, bool, "true or false", default)

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number; `1.0` is one."""
        return int(self._get(name, (int, float), "a whole number", default, _is_whole))

    def unsigned(self, name: str) -> int:
        """A whole number from 0 to 2**64 - 1; 0 when absent."""
        return int(self._get(name, (int, float), "a whole number from 0 to 2**64 - 1", 0, _is_unsigned))

    def number(self, name: str, default: float = 0.0) -> float:
        """Any number."""
        return float(self._get(name, (int, float), "a number", default, _is_number))

    def duration(self, name: str, default: float = 0.0) -> float:
        """Seconds of a duration in Go's text form; over HTTP also a number of nanoseconds."""
        value = self._alone(self._raw(name))
        if value is None:
            return default
        return self._duration((*self.path, *self._written(name)), value, default)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        return self._list((*self.path, *self._written(name)), self._raw(name))

    def text_map(self, name: str) -> dict[str, str]:
        """A mapping of strings to strings."""
        found: dict[str, str] = {}
        for key, value, path in self._pairs(name):
            if isinstance(value, str):
                found[key] = value
            elif self._is_empty(value):
                found[key] = ""
            else:
                self._mismatch(path, "a string", value)
        return found

    def texts_map(self, name: str) -> dict[str, tuple[str, ...]]:
        """A mapping of strings to lists of strings."""
        return {key: self._list(path, value) for key, value, path in self._pairs(name)}

    def duration_map(self, name: str) -> dict[str, float]:
        """A mapping of strings to durations, in seconds."""
        return {key: self._duration(path, value, 0.0) for key, value, path in self._pairs(name)}

    def free(self, name: str) -> JsonObject | None:
        """A mapping whose keys belong to somebody else; None when absent."""
        value = self._single(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._mismatch((*self.path, *self._written(name)), "a mapping", value)
            return None
        return dict(cast("Mapping[str, object]", value))

    def copied(self) -> JsonObject:
        """The whole mapping, whose keys belong to somebody else."""
        return dict(self.value)

    def child(self, name: str) -> Reader | None:
        """A mapping, to be read in turn; None when absent."""
        value = self._single(name)
        if value is None:
            return None
        return self._reader((*self.path, *self._written(name)), value)

    def children(self, name: str) -> list[Reader]:
        """A list of mappings; in files a single block stands for a list of one."""
        value = self._raw(name)
        path = (*self.path, *self._written(name))
        if value is None:
            return []
        if isinstance(value, list):
            items = cast("list[object]", value)
            readers = [
                self._reader((*path, index), item) for index, item in enumerate(items[: self._room(path, items)])
            ]
        elif self.dialect is Dialect.FILE:
            readers = [self._reader(path, value)]
        else:
            self._mismatch(path, "a list", value)
            readers = []
        return [reader for reader in readers if reader is not None]

    def named_children(self, name: str) -> dict[str, Reader]:
        """A mapping of names to mappings."""
        pairs = self._pairs(name)
        room = self._room((*self.path, *self._written(name)), pairs)
        readers = {key: self._reader(path, value) for key, value, path in pairs[:room]}
        return {key: reader for key, reader in readers.items() if reader is not None}

    def skip(self, name: str) -> None:
        """Count a key as asked for, whatever it holds."""
        self._asked[self._fold(name)] = name

    def done(self) -> None:
        """Note every key that was not asked for."""
        for folded, (key, _) in self._fields.items():
            if folded in self._asked:
                continue
            if len(self.problems) > PROBLEMS_MAX:
                return
            message = (
                f'json: unknown field "{_clipped(key, _KEY_CHARS_SHOWN_MAX)}"'
                if self.dialect is Dialect.HTTP
                else self._unknown(key)
            )
            self._add(Problem((*self.path, key), message))

    def _unknown(self, key: str) -> str:
        from difflib import get_close_matches  # only asked for when something is wrong

        names = {_folded(name): name for name in self._asked.values()}
        near = get_close_matches(_folded(key[:_KEY_CHARS_SHOWN_MAX]), names, n=1)
        return f"unknown key; did you mean {names[near[0]]}?" if near else "unknown key"

    def _raw(self, name: str) -> object | None:
        folded = self._fold(name)
        self._asked[folded] = name
        found = self._fields.get(folded)
        return None if found is None else found[1]

    def _single(self, name: str) -> object | None:
        """The value of a key that holds one mapping: in files a list of one mapping is taken for it, as by Consul."""
        value = self._raw(name)
        return value if self.dialect is Dialect.HTTP else without_list(value)

    def _alone(self, value: object) -> object:
        """In files the value in a list of one, as by Consul."""
        items = as_list(value) if self.dialect is Dialect.FILE else None
        return items[0] if items is not None and len(items) == 1 else value

    def _written(self, name: str) -> tuple[str, ...]:
        if not name:
            return ()
        found = self._fields.get(self._fold(name))
        return (name if found is None else found[0],)

    def _get(
        self,
        name: str,
        kind: type[T] | tuple[type[T], ...],
        wanted: str,
        default: T,
        accept: Callable[[object], bool] | None = None,
    ) -> T:
        value = self._alone(self._raw(name))
        if value is None:
            return default
        if not isinstance(value, kind) or (accept is not None and not accept(value)):
            self._mismatch((*self.path, *self._written(name)), wanted, value)
            return default
        return value

    def _duration(self, path: Path, value: object, default: float) -> float:
        kinds = (str, int, float) if self.dialect is Dialect.HTTP else (str,)
        if not isinstance(value, kinds) or isinstance(value, bool):
            self._mismatch(path, "a duration such as 10s", value)
            return default
        try:
            return parse_duration(value)
        except RequestError as error:
            self._add(Problem(path, str(error)))
            return default

    def _list(self, path: Path, value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self._mismatch(path, "a list of strings", value)
            return ()
        found: list[str] = []
        for index, item in enumerate(cast("list[object]", value)):
            if isinstance(item, str):
                found.append(item)
            elif self._is_empty(item):
                found.append("")
            else:
                self._mismatch((*path, index), "a string", item)
        return tuple(found)

    def _is_empty(self, value: object) -> bool:
        return value is None and self.dialect is Dialect.HTTP

    def _pairs(self, name: str) -> list[tuple[str, object, Path]]:
        path = (*self.path, *self._written(name))
        value = self._single(name)
        if value is None:
            return []
        if not isinstance(value, Mapping):
            self._mismatch(path, "a mapping", value)
            return []
        return [(key, item, (*path, key)) for key, item in cast("Mapping[str, object]", value).items()]

    def _reader(self, path: Path, value: object) -> Reader | None:
        if not isinstance(value, Mapping):
            self._mismatch(path, "a mapping", value)
            return None
        return Reader(cast("Mapping[str, object]", value), path, self.dialect, self.problems)

    def _mismatch(self, path: Path, wanted: str, value: object) -> None:
        self._add(Problem(path, f"must be {wanted}, not {_shown(value)}"))

    def _add(self, problem: Problem) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)
        elif len(self.problems) == PROBLEMS_MAX:
            self.problems.append(Problem((), f"more than {PROBLEMS_MAX} things are wrong: mend these first"))

    def _room(self, path: Path, items: Sized) -> int:
        """How many of `items` are read."""
        if self.dialect is Dialect.FILE or len(items) <= CHILDREN_MAX:
            return len(items)
        self._add(Problem(path, f"has {len(items)} parts, at most {CHILDREN_MAX} are taken: send them one by one"))
        return 0


def _is_number(value: object) -> bool:
    return not isinstance(value, bool)


def _is_unsigned(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _UNSIGNED_MAX:
        return False
    return value == int(value)


def _is_whole(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _WHOLE_MAX:
        return False
    return value == int(value)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the string "{_clipped(value)}"'
        case int() | float():
            return f"the number {_clipped(str(value))}"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case None:
            return "null"
        case _:
            return f"a {type(value).__name__}"


def _clipped(text: str, chars_max: int = _VALUE_CHARS_SHOWN_MAX) -> str:
    return text if len(text) <= chars_max else text[:chars_max] + "..."
