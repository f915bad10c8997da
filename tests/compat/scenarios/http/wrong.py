"""Tables of wrong requests: one step for each mistake, named by the request itself."""

from collections.abc import Iterable, Mapping, Sequence

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

__all__ = ["BODIES", "bad_bodies", "bad_fields", "bad_reads", "bad_requests", "differing", "short"]

BODIES: Mapping[str, bytes] = {
    "no body": b"",
    "spaces": b"  \n",
    "no JSON": b"Name=web",
    "half an object": b'{"Name": "we',
    "a list": b"[]",
    "a text": b'"web"',
    "a number": b"1.5",
    "true": b"true",
    "an unknown member": b'{"Bogus": 1}',
}
"""Bodies that are wrong for whoever wants an object."""

_SHOWN_CHARS_MAX = 100

_READS = {
    "index=x": "an index that is no number",
    "index=-1": "an index below 0",
    "wait=x": "a wait that is no duration",
    "max_stale=x": "a staleness that is no duration",
    "stale&consistent": "two consistencies",
    "cached&consistent": "cached and consistent",
    "dc=elsewhere": "an unknown datacenter",
    "ns=team": "a namespace",
    "%zz": "a query that cannot be read",
}


def differing(reason: str) -> dict[str, str]:
    """The declaration that Lictor gives a wholly different answer, for a reason."""
    return dict.fromkeys(("status", "headers", "content", "body"), reason)


def bad_requests(rows: Iterable[tuple[str, str]], differs: Mapping[str, Mapping[str, str]] | None = None) -> list[Step]:
    """One step for each method and path. `differs` has declared differences by the name of the step."""
    return [
        Step(f"{method} {path}", method, path, differs=(differs or {}).get(f"{method} {path}", {}))
        for method, path in rows
    ]


def bad_reads(
    path: str, leaving_out: Sequence[str] = (), differs: Mapping[str, Mapping[str, str]] | None = None
) -> list[Step]:
    """What every read refuses, at `path`."""
    joint = "&" if "?" in path else "?"
    return [
        Step(f"{path}: {what}", "GET", f"{path}{joint}{query}", differs=(differs or {}).get(query, {}))
        for query, what in _READS.items()
        if query not in leaving_out
    ]


def bad_bodies(
    method: str, path: str, leaving_out: Sequence[str] = (), differs: Mapping[str, Mapping[str, str]] | None = None
) -> list[Step]:
    """What every endpoint refuses that wants an object."""
    return [
        Step(f"{method} {path}: {name}", method, path, body, differs=(differs or {}).get(name, {}))
        for name, body in BODIES.items()
        if name not in leaving_out
    ]


def bad_fields(
    method: str,
    path: str,
    whole: Mapping[str, Json],
    fields: Mapping[str, Sequence[Json]],
    differs: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Step]:
    """A sound body with one member replaced, for each wrong value of each member. A dot leads into an object."""
    steps: list[Step] = []
    for name, values in fields.items():
        for value in values:
            said = f"{name} is {short(value)}"
            body = _with(whole, name.split("."), value)
            steps.append(Step(f"{method} {path}: {said}", method, path, body, differs=(differs or {}).get(said, {})))
    return steps


def _with(whole: Mapping[str, Json], path: list[str], value: Json) -> dict[str, Json]:
    first, *rest = path
    inner = whole.get(first)
    if not rest:
        return {**whole, first: value}
    return {**whole, first: _with(inner if isinstance(inner, dict) else {}, rest, value)}


def short(value: Json) -> str:
    """A value as the name of a step shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}... of {len(text)} characters"
