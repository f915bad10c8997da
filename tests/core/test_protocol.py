"""Who can talk with whom, and what a leader may write."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core import protocol
from lictor_core.commands import CommandBase, KVSet, NoOp
from lictor_core.errors import MixedVersionsError, PeerError
from lictor_core.protocol import OWN, UNTOLD, Newer, Spoken, check_all_know, disagreement, read_greeting, wanted


def has_flags(command: CommandBase) -> bool:
    return isinstance(command, KVSet) and command.flags > 0


NEW = Newer(2, "a key with flags", has_flags)
NEWEST = Newer(3, "a key with flags, newest", has_flags)


def spoken(minimum: int, maximum: int, program: str = "") -> Spoken:
    return Spoken(minimum=minimum, maximum=maximum, program=program)


def why(caller: Spoken, acceptor: Spoken) -> str | None:
    return disagreement(caller, acceptor, caller_name="n1", acceptor_name="n2")


def test_this_build_speaks_with_itself_and_with_those_that_tell_no_number() -> None:
    assert why(OWN, OWN) is None
    assert why(OWN, UNTOLD) is None
    assert why(UNTOLD, OWN) is None


@given(*[st.tuples(st.integers(1, 9), st.integers(0, 4))] * 2)
def test_two_talk_exactly_if_there_is_a_number_that_both_speak(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = range(one[0], sum(one) + 1), range(other[0], sum(other) + 1)
    reason = why(spoken(first[0], first[-1]), spoken(second[0], second[-1]))
    assert (reason is None) == bool(set(first) & set(second))


def test_a_refusal_names_both_versions_and_who_is_to_be_upgraded() -> None:
    reason = why(spoken(1, 1, "0.1.0"), spoken(2, 3, "0.9.0"))
    assert reason is not None
    assert "n1 speaks protocol 1 (Lictor 0.1.0), n2 protocol 2 to 3 (Lictor 0.9.0): upgrade n1" in reason
    assert "upgrade n2" in str(why(spoken(2, 3), spoken(1, 1)))


def test_what_others_tell_of_themselves_is_short_and_printable() -> None:
    assert "\n" not in str(spoken(1, 1, "0.1\n" * 100))
    assert len(str(spoken(1, 1, "0" * 10_000))) < 100


def test_a_greeting_is_read_also_when_it_tells_more() -> None:
    assert read_greeting(msgspec.msgpack.encode(spoken(2, 3, "9"))) == spoken(2, 3, "9")
    assert read_greeting(msgspec.msgpack.encode({"minimum": 2, "maximum": 3, "later": [1]})) == spoken(2, 3)


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode({"minimum": 0}), msgspec.msgpack.encode([1])])
def test_what_is_no_greeting_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        read_greeting(data)


def test_a_command_wants_the_youngest_build_that_anything_of_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "NEWER", (NEWEST, NEW))
    assert wanted(NoOp()) is None
    assert wanted(KVSet(key="a", value=b"", flags=1)) is NEWEST
    monkeypatch.setattr(protocol, "NEWER", (NEW,))
    assert wanted(KVSet(key="a", value=b"")) is None
    assert wanted(KVSet(key="a", value=b"", flags=1)) is NEW


def test_what_some_server_cannot_read_or_was_not_asked_about_is_not_written() -> None:
    check_all_know(NEW, [("n1", spoken(1, 2)), ("n2", spoken(2, 5))])
    told = r"nothing was written.*n2 \(protocol 1 .*n3 \(was not heard"
    with pytest.raises(MixedVersionsError, match=told) as caught:
        check_all_know(NEW, [("n1", spoken(1, 2)), ("n2", UNTOLD), ("n3", None)])
    assert "n1" not in str(caught.value)
    assert caught.value.definite
