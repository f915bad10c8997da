"""What holds for entries of every kind."""

from __future__ import annotations

from lictor_core.entries.base import Flaw, place, seconds
from tests.core.entries.build import entry, flaws


def test_a_flaw_is_told_with_its_place() -> None:
    assert str(Flaw("Routes[0].Match", "is wrong")) == "Routes[0].Match: is wrong"
    assert str(Flaw("", "is wrong")) == "is wrong"


def test_places_are_written_as_people_write_them() -> None:
    assert place("Routes", 3, "Match", "HTTP") == "Routes[3].Match.HTTP"
    assert place("Subsets", "[v1]") == "Subsets[v1]"


def test_durations_are_read_and_an_empty_one_is_none() -> None:
    assert seconds("1m30s") == 90
    assert seconds("") == 0


def test_names_and_metadata_are_bounded() -> None:
    assert [flaw.path for flaw in entry("service-defaults", "").flaws()] == ["Name"]
    assert [flaw.path for flaw in entry("service-defaults", "x" * 1025).flaws()] == ["Name"]
    assert flaws("service-defaults", {"Meta": {f"k{n}": "v" for n in range(65)}}) == ["Meta"]
    assert flaws("service-defaults", {"Meta": {"k" * 129: "v", "k": "v" * 513}}) == ["Meta[k]", f"Meta[{'k' * 32}...]"]
