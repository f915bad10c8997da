"""Everything about an agent that is a state."""

from __future__ import annotations

import pytest

from lictor_core.errors import NoLeaderError
from tests.agent.http.live import Live


async def test_checks_are_counted_by_status(live: Live) -> None:
    for name, status in (("a", "passing"), ("b", "passing"), ("c", "warning")):
        body = {"Name": name, "TTL": "1h", "Status": status}
        assert (await live.put("/v1/agent/check/register", body)).status == 200
    found = {one.labels: one.value for one in await live.http.gauges() if one.name == "agent.checks"}
    assert found == {(("status", "passing"),): 2, (("status", "warning"),): 1, (("status", "critical"),): 0}


async def test_figures_are_there_while_nobody_leads(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody() -> None:
        raise NoLeaderError

    monkeypatch.setattr(live.registry, "leader_status", nobody)
    names = [one.name for one in await live.http.gauges()]
    assert "runtime.alloc_bytes" in names
    assert "raft.is_leader" not in names
    assert names == sorted(names)


async def test_lives_of_certificates_are_told(live: Live) -> None:
    async def found() -> dict[str, float]:
        return {one.name: one.value for one in await live.http.gauges()}

    ten_years_s = 3650 * 86_400
    before = await found()
    assert before["mesh.active-root-ca.expiry"] == pytest.approx(ten_years_s, rel=0.01)
    assert before["mesh.active-signing-ca.expiry"] == before["mesh.active-root-ca.expiry"]
    assert "agent.leaf.expiry" not in before
    await live.get("/v1/agent/connect/ca/leaf/web")
    assert (await found())["agent.leaf.expiry"] == pytest.approx(72 * 3600, abs=120)
