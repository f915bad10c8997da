"""What registers and locks do, one call at a time."""

from __future__ import annotations

import pytest

from lictor_jepsen.checker.model import ANYTHING, State, is_look, step
from tests.jepsen_like.build import history


@pytest.mark.parametrize(
    ("asked", "answered", "state", "possible", "after"),
    [
        ("read -", "read 1", 1, True, 1),
        ("read -", "read 1", 2, False, None),
        ("read -", "read 1", ANYTHING, True, 1),
        ("write 3", "write 3", 1, True, 3),
        ("cas 1>2", "cas 1>2", 1, True, 2),
        ("cas 1>2", "cas 1>2", 2, False, None),
        ("cas 1>2", "cas 1>2", ANYTHING, True, 2),
        ("acquire 1", "acquire 1", None, True, 1),
        ("acquire 1", "acquire 1", 1, True, 1),
        ("acquire 1", "acquire 1", 2, False, None),
        ("acquire 1", "acquire 0", 2, True, 2),
        ("acquire 1", "acquire 0", None, False, None),
        ("acquire 1", "acquire 0", ANYTHING, True, ANYTHING),
        ("release 1", "release -", 1, True, None),
        ("release 1", "release -", 2, False, None),
        ("release 1", "release 0", 2, True, 2),
        ("release 1", "release 0", 1, False, None),
    ],
)
def test_a_call_is_possible_in_some_states_and_leaves_another(
    asked: str, answered: str, state: State, possible: bool, after: State
) -> None:
    [call] = history(f"0 invoke {asked}", f"0 ok {answered}")
    told = step(state, call)
    assert told[0] is possible
    assert not possible or told[1] == after


def test_a_read_and_a_refusal_change_nothing() -> None:
    calls = history(
        *("0 invoke read -", "0 ok read 1", "0 invoke acquire 1", "0 ok acquire 0", "0 invoke acquire 1"),
        *("0 ok acquire 1", "0 invoke write 1", "0 ok write 1"),
    )
    assert [is_look(call) for call in calls] == [True, True, False, False]


def test_what_is_neither_of_a_register_nor_of_a_lock_is_refused() -> None:
    with pytest.raises(ValueError, match="neither registers nor locks know 'add'"):
        step(None, history("0 invoke add 1", "0 ok add 1")[0])
