"""Tells two runs of a scenario apart: all differences at once, each with its place, what was expected and what came."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.recorder.json_types import Json, as_object
from tests.support.recorder.wording import is_own_wording

_SHOWN_CHARS_MAX = 400
_ABSENT = "nothing there"


@dataclass(frozen=True)
class Difference:
    """One place where two answers differ. The values are shown as JSON, or as words where one is absent."""

    step: str
    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"  {self.path}\n    expected: {self.expected}\n    got:      {self.got}"


@dataclass(frozen=True)
class Allowance:
    """What a step lets differ: lists in any order, texts in own words, what is ignored, declared differences."""

    unordered: tuple[str, ...] = ()
    own_words: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    differs: Mapping[str, str] = field(default_factory=dict[str, str])


def compare(
    expected: Sequence[Json], got: Sequence[Json], allowances: Mapping[str, Allowance] | None = None
) -> list[Difference]:
    """Differences between two lists of exchanges, in order. `allowances` are by step name.

    A declared difference that is none any more is itself reported: its reason must not outlive it.
    """
    allowed = allowances or {}
    got_by_step = {_name(exchange): exchange for exchange in got}
    differences: list[Difference] = []
    for exchange in expected:
        step = _name(exchange)
        if step not in got_by_step:
            differences.append(Difference(step, "step", "an exchange", _ABSENT))
            continue
        differences += _compare_exchange(step, exchange, got_by_step[step], allowed.get(step, Allowance()))
    known = {_name(exchange) for exchange in expected}
    differences += [Difference(step, "step", _ABSENT, "an exchange") for step in got_by_step if step not in known]
    return differences


def report(title: str, differences: Iterable[Difference], laws: Iterable[str] = ()) -> str:
    """All differences of a scenario, grouped by step; empty when there are none."""
    by_step: dict[str, list[Difference]] = {}
    for difference in differences:
        by_step.setdefault(difference.step, []).append(difference)
    parts = [f"* {step}\n" + "\n".join(map(str, found)) for step, found in by_step.items()]
    parts += [f"* law: {law}" for law in laws]
    return f"{title}: {len(parts)} steps differ\n" + "\n".join(parts) if parts else ""


def _compare_exchange(step: str, expected: Json, got: Json, allowance: Allowance) -> list[Difference]:
    declared = allowance.differs
    found = list(_walk(step, "", _answer(expected), _answer(got), allowance))
    used = {pattern for pattern in declared for difference in found if _covers(pattern, difference.path)}
    free = (*declared, *allowance.ignored)
    kept = [one for one in found if not any(_covers(pattern, one.path) for pattern in free)]
    idle = [
        Difference(step, pattern, f"the declared difference ({reason})", "no difference")
        for pattern, reason in declared.items()
        if pattern not in used
    ]
    return kept + idle


def _walk(step: str, path: str, expected: Json, got: Json, allowance: Allowance) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(name for name in got if name not in expected)]:
            place = f"{path}.{name}" if path else name
            if name not in got:
                yield Difference(step, place, _shown(expected[name]), _ABSENT)
            elif name not in expected:
                yield Difference(step, place, _ABSENT, _shown(got[name]))
            else:
                yield from _walk(step, place, expected[name], got[name], allowance)
    elif isinstance(expected, list) and isinstance(got, list):
        if _any_covers(allowance.unordered, path):
            expected, got = sorted(expected, key=_sort_key), sorted(got, key=_sort_key)
        if len(expected) != len(got):
            yield Difference(step, path, _shown(expected), _shown(got))
            return
        for position, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _walk(step, f"{path}.{position}", one, other, allowance)
    elif isinstance(expected, str) and isinstance(got, str) and _is_own(expected, path, allowance):
        if bool(expected) != bool(got):
            yield Difference(step, path, _shown(expected), _shown(got))
    elif type(expected) is not type(got) or expected != got:
        yield Difference(step, path, _shown(expected), _shown(got))


def _covers(pattern: str, path: str) -> bool:
    """Whether a dotted pattern, `*` standing for one name, leads to `path` or to something that holds it."""
    wanted, names = pattern.split("."), path.split(".")
    return len(wanted) <= len(names) and all(one in ("*", other) for one, other in zip(wanted, names, strict=False))


def _is_own(expected: str, path: str, allowance: Allowance) -> bool:
    return is_own_wording(expected) or _any_covers(allowance.own_words, path)


def _any_covers(patterns: Iterable[str], path: str) -> bool:
    return any(_covers(pattern, path) and pattern.count(".") == path.count(".") for pattern in patterns)


def _name(exchange: Json) -> str:
    return str(as_object(exchange)["step"])


def _answer(exchange: Json) -> Json:
    return as_object(exchange)["response"]


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}… ({len(text)} characters)"


def _sort_key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
