"""Cassettes: recorded exchanges as JSON files that people can read and review."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.support.recorder.json_types import Json, as_list, as_object, parse

RECORDED = Path(__file__).parents[2] / "compat" / "recorded"
_LINE_MAX = 110


@dataclass(frozen=True)
class Cassette:
    """What one peer answered to one scenario."""

    area: str
    peer: str
    exchanges: tuple[Json, ...]


def cassette_path(kind: str, area: str) -> Path:
    """Where the cassette of an area of `http`, `dns` or `cli` is kept."""
    return RECORDED / kind / f"{area}.json"


def save(path: Path, cassette: Cassette) -> None:
    """Write a cassette; short values stay on one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f'{{\n"area": {json.dumps(cassette.area)},\n"recorded_from": {json.dumps(cassette.peer)},\n"exchanges": '
    path.write_text(f"{head}{_pretty(list(cassette.exchanges), 0)}\n}}\n")


def load(path: Path) -> Cassette:
    """Read a cassette. Raises `FileNotFoundError` where none was recorded."""
    document = as_object(parse(path.read_text()))
    return Cassette(str(document["area"]), str(document["recorded_from"]), tuple(as_list(document["exchanges"])))


def _pretty(value: Json, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + depth <= _LINE_MAX or not isinstance(value, dict | list) or not value:
        return flat
    indent = " " * (depth + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {_pretty(inner, depth + 1)}" for name, inner in value.items()]
        return "{\n" + ",\n".join(indent + item for item in items) + "\n" + " " * depth + "}"
    return "[\n" + ",\n".join(indent + _pretty(inner, depth + 1) for inner in value) + "\n" + " " * depth + "]"
