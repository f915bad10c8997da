"""The tokens that an agent has."""

from __future__ import annotations

import pytest

from lictor_agent.acl.slots import NAMES, Slot, TokenSlots
from lictor_config.sections import Tokens

CONFIGURED = Tokens(default="d", agent="a", agent_master="m", replication="r")


def test_what_was_told_and_kept_counts_before_the_configuration() -> None:
    slots = TokenSlots(CONFIGURED, {Slot.DEFAULT: "told", Slot.AGENT: ""})
    assert (slots.default, slots.for_node, slots.agent_recovery) == ("told", "a", "m")
    assert slots.doubled() == [Slot.DEFAULT]


def test_the_default_token_speaks_for_the_node_where_there_is_no_other() -> None:
    assert TokenSlots(Tokens(default="d")).for_node == "d"
    assert TokenSlots(CONFIGURED).for_node == "a"


def test_a_told_token_counts_at_once_and_an_empty_one_empties_the_slot() -> None:
    slots = TokenSlots(CONFIGURED)
    changes: list[str] = []
    slots.on_change(lambda: changes.append(slots.default))
    slots.tell(Slot.DEFAULT, "told")
    slots.tell(Slot.DEFAULT, "told")
    slots.tell(Slot.DEFAULT, "")
    assert changes == ["told", ""]
    assert slots.told == {}


@pytest.mark.parametrize(("keeps", "default"), [(True, "told"), (False, "new")])
def test_after_a_reload_what_was_told_counts_on_only_where_it_is_kept(keeps: bool, default: str) -> None:
    slots = TokenSlots(CONFIGURED)
    slots.tell(Slot.DEFAULT, "told")
    slots.follow(Tokens(default="new", agent="other"), keeps_told=keeps)
    assert (slots.default, slots.for_node) == (default, "other")
    assert (Slot.DEFAULT in slots.told) is keeps


def test_a_slot_that_was_emptied_has_the_configured_token_again_after_a_reload() -> None:
    slots = TokenSlots(CONFIGURED, {Slot.DEFAULT: "told"})
    slots.tell(Slot.DEFAULT, "")
    assert slots.default == ""
    slots.follow(CONFIGURED, keeps_told=True)
    assert slots.default == "d"


def test_every_slot_has_its_older_names() -> None:
    assert {name for name, slot in NAMES.items() if slot is Slot.AGENT_RECOVERY} == {
        "agent_master", "agent_recovery", "acl_agent_master_token",
    }  # fmt: skip
    assert NAMES["acl_token"] is Slot.DEFAULT
    assert "master" not in NAMES


def test_secrets_are_not_in_the_text_of_slots() -> None:
    assert "told" not in repr(TokenSlots(CONFIGURED, {Slot.DEFAULT: "told"}))
