"""Targets are named, bounded, and give inputs of their own."""

from __future__ import annotations

import pytest

from lictor_agent.http.routes import ROUTES
from lictor_core.calls import Attendance
from lictor_server.state.loading import TABLES
from tests.fuzz.targets import TARGETS, load
from tests.fuzz.targets.archives import ROWS
from tests.fuzz.targets.bodies import LEFT_OUT
from tests.fuzz.targets.rpc_streams import PAYLOADS


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_inputs_within_its_bound(target: str) -> None:
    sizes = [len(seed) for seed in load(target).seeds()]
    assert sizes
    assert max(sizes) <= TARGETS[target].bytes_max


@pytest.mark.parametrize("target", TARGETS)
def test_a_targets_own_inputs_are_the_same_each_time(target: str) -> None:
    if target not in {
        "access",
        "archive",
        "proxy",
        "dns",
    }:  # keys and signatures are made anew, and so are the ids of messages
        assert list(load(target).seeds()) == list(load(target).seeds())


def test_rows_are_of_tables_that_there_are() -> None:
    assert set(ROWS) <= set(TABLES)


def test_endpoints_that_are_left_out_are_there() -> None:
    assert set(LEFT_OUT) <= {(method, route.path) for route in ROUTES for method in route.endpoints}


def test_payloads_are_types_of_calls() -> None:
    assert Attendance in PAYLOADS
    assert len(set(PAYLOADS)) == len(PAYLOADS)
