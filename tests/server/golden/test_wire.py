"""What processes of two versions say to one another changes only on purpose."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core import calls
from lictor_core.protocol import PROTOCOL_MAX, PROTOCOL_MIN
from tests.server.golden import wire
from tests.server.golden.wire import WIRE, wire_text

REMEDY = (
    "what travels between processes changed: read the docstring of lictor_core.protocol, raise PROTOCOL_MAX where a "
    "released build could not read it, then `python -m tests.server.golden.wire`"
)


def test_the_forms_on_the_wire_are_the_golden_ones() -> None:
    assert wire_text() == WIRE.read_text(), REMEDY


def test_there_is_a_number_that_this_build_speaks() -> None:
    assert 1 <= PROTOCOL_MIN <= PROTOCOL_MAX


def test_a_new_field_in_an_argument_changes_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Attendance(calls.Attendance, frozen=True, kw_only=True):
        more: str = ""

    Attendance.__module__ = calls.Attendance.__module__
    from lictor_server.rpc import agent_methods

    monkeypatch.setattr(agent_methods, "Attendance", Attendance)
    # The class is known under its name already, from where else it is decoded.
    monkeypatch.setattr(wire, "_PACKAGES", ("server/lictor_server/rpc",))
    text = wire_text()
    assert "calls.Attendance: map, strict\n    datacenter: str\n    more: str, may be missing\n    name: str" in text


@pytest.mark.parametrize(
    "what",
    [
        "commands.KVSet: map, tag type=KVSet, strict",
        "calls.ReadRequest: map, strict",
        "cards.ServerCard: map, strict",
        "hello.Hello: map",
        "digest.Digest: map, strict",
        "feed.FeedRequest: map, strict",
        "frames.Frame: array",
        "membership.Renewal: map, strict",
        "queries.KeyQuery: map",
        "records.KVEntry: map",
        "Raft message Append",
        "method leader.write (servers alone)",
    ],
)
def test_the_text_holds_what_travels(what: str) -> None:
    assert f"\n{what}" in WIRE.read_text()


def test_two_kinds_of_one_name_are_told_apart() -> None:
    class KVSet(msgspec.Struct):
        other: int

    KVSet.__module__ = "lictor_core.commands"
    forms = wire._Forms()  # pyright: ignore[reportPrivateUsage]
    from lictor_core import commands

    forms.add(commands.KVSet)
    with pytest.raises(AssertionError, match="two kinds"):
        forms.add(KVSet)
