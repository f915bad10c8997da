from dataclasses import dataclass

import pytest

from lictor_connect_proxy import figures as figures_module
from lictor_connect_proxy.figures import Figures, Flow
from lictor_connect_proxy.layers.tally import OTHERS


@dataclass(eq=False)
class Relay:
    to_local: int = 0
    to_mesh: int = 0


def test_bytes_of_live_relays_count_before_they_end_and_not_twice_afterwards() -> None:
    flow = Figures("db").flow("inbound", "web", "db")
    one, two = Relay(), Relay(5, 7)
    flow.opened(one)
    flow.opened(two)
    one.to_local = 100
    assert (flow.open, flow.total, flow.to_local, flow.to_mesh) == (2, 2, 105, 7)
    flow.closed(one, broken=True)
    assert (flow.open, flow.total, flow.broken, flow.to_local, flow.to_mesh) == (1, 2, 1, 105, 7)


def test_a_flow_is_told_of_once_also_to_who_comes_late() -> None:
    figures, early, late = Figures("db"), list[Flow](), list[Flow]()
    figures.on_flow(early.append)
    flow = figures.flow("inbound", "web", "db")
    assert figures.flow("inbound", "web", "db") is flow
    figures.on_flow(late.append)
    assert early == late == [flow]


def test_flows_and_dials_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_module, "FLOWS_MAX", 2)
    monkeypatch.setattr(figures_module, "LABELS_MAX", 2)
    figures = Figures("db")
    for number in range(5):
        figures.flow("inbound", f"web-{number}", "db").opened(Relay())
        figures.dialed(f"db-{number}", 0.1)
    assert [(key.source, flow.total) for key, flow in figures.flows.items()] == [
        ("web-0", 1),
        ("web-1", 1),
        (OTHERS, 3),
    ]
    assert {upstream: dials.count for upstream, dials in figures.dials.items()} == {"db-0": 1, "db-1": 1, OTHERS: 3}


def test_a_dial_falls_into_the_first_bound_that_it_does_not_pass() -> None:
    figures = Figures("web")
    for seconds in (0.0005, 0.0006, 60.0):
        figures.dialed("db", seconds)
    counts = figures.dials["db"].counts
    assert (counts[0], counts[1], counts[-1], sum(counts)) == (1, 1, 1, 3)
