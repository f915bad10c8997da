"""Cassettes keep what was recorded, in files that people can read."""

from pathlib import Path

import pytest

from tests.support.recorder.cassette import RECORDED, Cassette, load, save
from tests.support.recorder.json_types import Json


def _exchange(body: Json) -> Json:
    return {"step": "s", "request": {"method": "GET"}, "response": {"status": 200, "body": body}}


def test_a_cassette_is_read_as_it_was_written(tmp_path: Path) -> None:
    body: Json = {"z": [1, None, {"ü": "\u0000"}], "a": ["x" * 200, {}], "e": [], "f": 1.5}
    cassette = Cassette("area", "a peer", (_exchange(body), _exchange(None)))
    save(tmp_path / "deep" / "c.json", cassette)
    assert load(tmp_path / "deep" / "c.json") == cassette


def test_the_order_of_keys_is_kept(tmp_path: Path) -> None:
    save(tmp_path / "c.json", Cassette("area", "a peer", (_exchange({"z": 1, "a": 2}),)))
    text = (tmp_path / "c.json").read_text()
    assert text.index('"z"') < text.index('"a"')


def test_an_area_that_was_never_recorded_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")


def test_every_kept_cassette_is_small_and_readable() -> None:
    for path in RECORDED.rglob("*.json"):
        lines = path.read_text().splitlines()
        # What one language or one endpoint makes of a table of questions stands together.
        kib_max = 384 if path.name.startswith("corpus_") else 128  # a corpus is one table of hundreds of questions
        assert path.stat().st_size < kib_max * 1024, path
        assert max(map(len, lines)) < 12_000, path  # an output of 4,096 bytes, or as many bytes that are escaped
