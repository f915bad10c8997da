"""What the servers will not have, and why."""

from __future__ import annotations

from lictor_agent.batches import Batch
from lictor_agent.refusals import Refusals
from lictor_agent.sync import Item
from tests.agent.builders import local_check, local_service

WEB = Batch("", (Item(service=local_service("web").service, checks=(local_check("c").check,)),))
NODE = Batch("", (Item(node=True),))


def test_a_refusal_is_news_once_and_again_when_its_reason_is_another() -> None:
    refusals = Refusals()
    assert refusals.refused(WEB, "no")
    assert not refusals.refused(WEB, "no")
    assert refusals.refused(WEB, "not at all")
    assert (refusals.services, refusals.checks) == ({"web": "not at all"}, {"c": "not at all"})
    assert refusals.refused(NODE, "no")
    assert not refusals.refused(NODE, "no")


def test_what_is_taken_or_gone_is_refused_no_more() -> None:
    refusals = Refusals()
    for batch in (WEB, NODE):
        refusals.refused(batch, "no")
    refusals.taken(NODE)
    assert refusals.node == ""
    refusals.taken(WEB)
    assert (refusals.services, refusals.checks) == ({}, {})
    refusals.refused(WEB, "no")
    refusals.forget_service("web")
    refusals.forget_check("c")
    assert (refusals.services, refusals.checks) == ({}, {})
