"""Blocked queries on a real server: what each costs, and that a change wakes whom it concerns."""

from __future__ import annotations

import pytest

from lictor_bench import blocked
from lictor_bench.dev_agents import lictor_agent

_WAITERS = 4000


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_blocked_query_costs_a_server_less_than_6_kib_and_only_its_change_wakes_it() -> None:
    bounds = ("-hcl", f"limits {{ http_max_conns_per_client = {_WAITERS + 10} }}")
    with lictor_agent(*bounds) as agent:
        figures = blocked.measure(agent, _WAITERS, rest_s=1.0, woken_s_max=5.0)
    assert figures.memory_kib < blocked.MEMORY_KIB_MAX
    assert len(figures.woken_s) == _WAITERS // blocked.SERVICES


def test_as_many_wait_as_may_have_files_and_no_more_than_50000() -> None:
    assert 0 < blocked.waiters_max() <= 50_000
