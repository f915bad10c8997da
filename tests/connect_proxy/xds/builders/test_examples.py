"""Whole snapshots: what becomes of them is written down, and the real Envoy takes it."""

from pathlib import Path

import pytest

from lictor_connect_proxy.xds.builders import build
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.xds.examples import EXAMPLES, EXPECTED, genuine, written
from tests.connect_proxy.xds.static import flaws_seen_by_envoy


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_becomes_of_a_snapshot_is_what_is_written_down(name: str) -> None:
    assert written(EXAMPLES[name]) == EXPECTED.joinpath(f"{name}.json").read_text()


def test_nothing_is_written_down_that_is_no_example() -> None:
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(EXAMPLES)


@pytest.mark.needs("envoy")
@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_envoy_takes_it(name: str, tmp_path: Path) -> None:
    assert flaws_seen_by_envoy(build(genuine(EXAMPLES[name], Authority())), tmp_path) == ""


@pytest.mark.needs("envoy")
@pytest.mark.slow
def test_envoy_would_refuse_a_field_that_it_does_not_know(tmp_path: Path) -> None:
    found = build(genuine(EXAMPLES["connections"], Authority()))
    kind = next(iter(found))
    name, one = next(iter(found[kind].items()))
    spoilt = {**found, kind: {**found[kind], name: {**one, "no_such_field": 1}}}
    assert "no_such_field" in flaws_seen_by_envoy(spoilt, tmp_path)
