from __future__ import annotations

import msgspec
import pytest

from lictor_core.errors import RequestError
from lictor_core.records import Intention
from lictor_server.endpoints.intentions import stamped_intention
from tests.server.build import intention

I1, I2 = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
AT = "2026-01-01T00:00:00.000000Z"


def stamped(**changes: object) -> Intention:
    return stamped_intention(msgspec.structs.replace(intention("web", "db", id=I1), **changes), AT)


def test_blanks_are_filled() -> None:
    made = stamped(source_ns="", destination_ns="", source_type="", meta=None, precedence=1)
    assert (made.source_ns, made.destination_ns, made.source_type) == ("default", "default", "consul")
    assert (made.meta, made.precedence, made.created_at, made.updated_at) == ({}, 9, AT, AT)


@pytest.mark.parametrize(
    ("source", "destination", "precedence"), [("web", "db", 9), ("*", "db", 8), ("web", "*", 6), ("*", "*", 5)]
)
def test_precedence_follows_from_the_names(source: str, destination: str, precedence: int) -> None:
    assert stamped(source_name=source, destination_name=destination).precedence == precedence


def test_hash_is_of_what_it_says_and_not_of_when() -> None:
    first = stamped_intention(intention("web", "db", id=I1), AT)
    later = stamped_intention(intention("web", "db", id=I1), "2027-01-01T00:00:00.000000Z")
    other = stamped(description="other")
    assert first.hash == later.hash != other.hash


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "nonsense"},
        {"source_name": ""},
        {"destination_name": ""},
        {"source_name": "we*"},
        {"destination_name": "**"},
        {"source_name": "s" * 300},
        {"source_ns": "other"},
        {"destination_ns": "*"},
        {"source_type": "external"},
        {"description": "d" * 513},
        {"meta": {f"k{number}": "v" for number in range(65)}},
        {"meta": {"k": "v" * 513}},
    ],
    ids=repr,
)
def test_wrong_intentions_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        stamped(**changes)
