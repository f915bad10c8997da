"""The balancer against a naive twin that keeps nothing but what happened, and works out everything from that."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.layers.balance import Balancer
from lictor_connect_proxy.layers.outliers import Ejection
from lictor_connect_proxy.layers.picking import Picking
from lictor_connect_proxy.snapshot import Endpoint
from lictor_core.clock import SeededRng
from tests.connect_proxy.build import endpoint

COUNT = 4
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pick", "fail", "succeed", "abandon", "end", "wait", "leave", "join"]),
        st.integers(0, COUNT - 1),
        st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    ),
    max_size=60,
)


@dataclass
class _Twin:
    """What happened to each instance, in order: `failed` and `succeeded` with their times."""

    failures_max: int
    history: dict[int, list[tuple[str, float]]] = field(default_factory=dict[int, list[tuple[str, float]]])
    dialing: list[int] = field(default_factory=list[int])
    trials: list[int] = field(default_factory=list[int])
    relaying: list[int] = field(default_factory=list[int])
    known: set[int] = field(default_factory=lambda: set(range(COUNT)))

    def aside_until(self, number: int) -> float | None:
        """Until when it stands aside, or stood; None when it proved itself since, or never failed often enough."""
        until, row, times = None, 0, 0
        for what, at in self.history.get(number, []):
            if what == "succeeded":
                until, row, times = None, 0, 0
            elif until is None or at >= until:
                row += 1
                if until is not None or row >= self.failures_max:
                    until = at + min(30.0, 2.0**times)
                    times += 1
        return until

    def good(self, now: float) -> set[int]:
        """Whom a connection may be given."""
        found: set[int] = set()
        for number in self.known:
            until = self.aside_until(number)
            if until is None or (now >= until and number not in self.trials):
                found.add(number)
        return found

    def forget(self) -> None:
        """Those that are gone and have no connection are new when they come back."""
        for number in set(range(COUNT)) - self.known:
            if number not in self.dialing and number not in self.relaying:
                self.history.pop(number, None)


class _Pair:
    """Both, given the same steps."""

    def __init__(self, picking: Picking, failures_max: int, seed: int) -> None:
        self.balancer = Balancer(SeededRng(seed), picking, Ejection(failures_max=failures_max))
        self.twin = _Twin(failures_max)
        self.now = 0.0
        self._tell()

    def step(self, what: str, number: int) -> None:
        one, twin = endpoint(number), self.twin
        match what:
            case "pick":
                self._pick(number)
            case "fail" if number in twin.dialing:
                seconds = self.balancer.failed(one, self.now)
                twin.dialing.remove(number)
                self._end_trial(number)
                twin.history.setdefault(number, []).append(("failed", self.now))
                until = twin.aside_until(number)
                aside = until is not None and until > self.now
                assert seconds == pytest.approx(until - self.now if aside and until is not None else 0.0)
            case "succeed" if number in twin.dialing:
                self.balancer.succeeded(one, self.now)
                twin.dialing.remove(number)
                twin.relaying.append(number)
                self._end_trial(number)
                twin.history.setdefault(number, []).append(("succeeded", self.now))
            case "abandon" if number in twin.dialing:
                self.balancer.abandoned(one)
                twin.dialing.remove(number)
                self._end_trial(number)
            case "end" if number in twin.relaying:
                self.balancer.released(one)
                twin.relaying.remove(number)
            case "leave" | "join":
                (twin.known.discard if what == "leave" else twin.known.add)(number)
                self._tell()
            case _:
                return

    def check(self) -> None:
        for number in range(COUNT):
            assert self.balancer.active(endpoint(number)) == (
                self.twin.dialing.count(number) + self.twin.relaying.count(number)
            )

    def _pick(self, client: int) -> None:
        good = {endpoint(number) for number in self.twin.good(self.now)}
        found = self.balancer.pick(self.now, f"192.0.2.{client}")
        assert (found is None) == (not good)
        if found is not None:
            assert found in good
            number = _number(found)
            self.twin.dialing.append(number)
            if self.twin.aside_until(number) is not None:
                self.twin.trials.append(number)

    def _end_trial(self, number: int) -> None:
        # Any outcome ends it: who was already dialing when the trial began knows as much as the trial.
        if number in self.twin.trials:
            self.twin.trials.remove(number)

    def _tell(self) -> None:
        self.balancer.update(endpoint(number) for number in sorted(self.twin.known))
        self.twin.forget()


def _number(found: Endpoint) -> int:
    return next(number for number in range(COUNT) if endpoint(number) == found)


@pytest.mark.parametrize("picking", Picking)
@settings(max_examples=150, deadline=None)
@given(steps=STEPS, failures_max=st.integers(1, 3), seed=st.integers(0, 9))
def test_whom_the_balancer_gives_is_good_by_all_that_happened(
    picking: Picking, steps: list[tuple[str, int, float]], failures_max: int, seed: int
) -> None:
    pair = _Pair(picking, failures_max, seed)
    for what, number, wait in steps:
        pair.now += wait
        pair.step(what, number)
        pair.check()
