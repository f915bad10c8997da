"""How long no change went through."""

from __future__ import annotations

from lictor_jepsen.checker import CHANGES
from lictor_jepsen.op import HEAL, NEMESIS, Kind, Op
from lictor_jepsen.outage import Hit, Outage, hits, outages
from tests.jepsen_like.build import lines


def _fault(time_ms: float, what: str, name: str = "kill-one") -> Op:
    return Op(time_ms, NEMESIS, Kind.INFO, name, value=what)


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
    history = [_fault(1000, "killed n1"), _fault(3000, "started n1"), _fault(4000, "ended all faults", HEAL)]
    assert list(outages(history, CHANGES)) == [Outage("kill-one", "killed n1", 1.0, None)]


def test_faults_that_overlap_are_told_apart_by_their_names() -> None:
    history = [
        killed := _fault(1000, "killed n1"),
        cut := _fault(2000, "cut n1>n2", "partition-one-way"),
        started := _fault(3000, "started n1"),
        again := _fault(3500, "killed n2"),
        mended := _fault(4000, "mended", "partition-one-way"),
        _fault(5000, "ended all faults", HEAL),
    ]
    assert hits(history) == [Hit(0, killed, started), Hit(1, cut, mended), Hit(3, again, None)]
