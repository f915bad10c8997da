"""How long no change went through."""

from __future__ import annotations

from lictor_jepsen.checker import CHANGES
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.outage import Outage, outages
from tests.jepsen_like.build import lines


def _fault(time_ms: float, what: str) -> Op:
    return Op(time_ms, NEMESIS, Kind.INFO, "kill-one", value=what)


def _at(time_ms: float, *texts: str) -> list[Op]:
    return [op._replace(time_ms=time_ms) for op in lines(*texts)]


def test_an_outage_lasts_until_a_change_that_was_asked_for_after_the_fault_went_well() -> None:
    history = [
        *_at(900, "0 invoke write 1", "1 invoke write 2"),
        _fault(1000, "killed n1"),
        *_at(1100, "0 ok write 1", "0 invoke read -", "2 invoke write 3"),
        *_at(1200, "0 ok read 1", "2 fail write 3", "2 invoke write 4"),
        *_at(1700, "2 ok write 4"),
        _fault(3000, "started n1"),
    ]
    assert list(outages(history, CHANGES)) == [Outage("kill-one", "killed n1", 1.0, 0.7)]


def test_an_outage_without_a_change_after_it_has_no_end() -> None:
    history = [_fault(1000, "killed n1"), _fault(3000, "started n1"), _fault(4000, "ended all faults")]
    assert list(outages(history, CHANGES)) == [Outage("kill-one", "killed n1", 1.0, None)]
