"""How long no change went through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker import CHANGES
from lictor_jepsen.op import HEAL, NEMESIS, Kind, Op
from lictor_jepsen.outage import Hit, Outage, Spread, hits, outages, spreads
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
    assert list(outages(history, CHANGES)) == [
        Outage("kill-one", "killed n1", begins_s=1.0, lasts_s=0.7, ends_s=3.0, longest_s=0.6)
    ]


def test_an_outage_without_a_change_after_it_has_no_end() -> None:
    healed = _fault(4000, "ended all faults", HEAL)
    history = [_fault(1000, "killed n1"), *_at(2500, "0 invoke write 1", "0 fail write 1"), _fault(3000, "up"), healed]
    [outage] = outages(history, CHANGES)
    assert outage == Outage("kill-one", "killed n1", begins_s=1.0, lasts_s=None, ends_s=3.0, longest_s=1.5)


def test_the_longest_time_without_a_change_may_begin_late_in_a_fault() -> None:
    history = [
        _fault(1000, "killed n1"),
        *_at(1200, "0 invoke write 1", "0 ok write 1"),
        *_at(1500, "0 invoke write 2", "0 ok write 2"),
        _fault(3000, "started n1"),
        *_at(3900, "0 invoke write 3", "0 ok write 3"),
        *_at(9000, "0 invoke write 4", "0 ok write 4"),
    ]
    [outage] = outages(history, CHANGES)
    assert outage.longest_s == 2.4, "the pause after the fault is not its own"


@given(st.sets(st.integers(1, 60), max_size=12), st.integers(1, 50), st.integers(1, 10))
def test_the_longest_time_without_a_change_is_what_looking_at_every_moment_finds(
    wells: set[int], begins: int, lasts: int
) -> None:
    ended = begins + lasts
    events = [(well, _at(well, "0 invoke write 1", "0 ok write 1")) for well in wells - {begins, ended}]
    events += [(begins, [_fault(begins, "killed n1")]), (ended, [_fault(ended, "started n1")])]
    events.append((99, _at(99, "0 invoke write 2", "0 fail write 2")))
    [outage] = outages([op for _, ops in sorted(events, key=lambda event: event[0]) for op in ops], CHANGES)
    longest = 0
    for start in (begins, *(well for well in wells if begins < well < ended)):
        moment = start + 1
        while moment not in wells - {begins, ended} and moment < 99:
            moment += 1
        longest = max(longest, moment - start)
    assert outage.longest_s == pytest.approx(longest / 1000)


def test_outages_are_summed_up_by_fault() -> None:
    def outage(fault: str, lasts_s: float | None, longest_s: float) -> Outage:
        return Outage(fault, "", 0.0, lasts_s, 1.0, longest_s)

    some = [outage("b", 1.0, 2.0), outage("a", None, 5.0), outage("b", 3.0, 1.0), outage("b", 2.0, 0.0)]
    assert list(spreads(some)) == [Spread("a", 1, 1, 0.0, 0.0, 5.0), Spread("b", 3, 0, 2.0, 3.0, 2.0)]


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
