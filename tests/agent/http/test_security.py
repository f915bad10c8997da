"""`/v1/operator/security`."""

from __future__ import annotations

from dataclasses import replace

from tests.agent.http.live import NODE, Live
from tests.support.recorder.json_types import as_list, at


async def test_what_is_open_is_listed_with_what_closes_it(live: Live) -> None:
    answer = await live.get("/v1/operator/security")
    assert answer.status == 200
    assert answer.json == {
        "Node": NODE,
        "Datacenter": "dc1",
        "Severe": 0,
        "Findings": [
            {
                "ID": "acl.off",
                "Severity": "note",
                "Title": "there is no access control",
                "Reason": "every program on this host may read and change everything",
                "Setting": 'acl { enabled = true, default_policy = "deny" }, then lictor acl bootstrap',
            }
        ],
    }


async def test_severe_findings_are_counted(live: Live) -> None:
    configuration = live.agent.configuration
    everywhere = replace(configuration.addresses, http=("0.0.0.0",))
    live.agent.reloader.configuration = replace(configuration, addresses=everywhere)
    answer = await live.get("/v1/operator/security")
    assert answer.at("Severe") == 2
    assert {"http.plain", "acl.off"} <= {str(at(row, "ID")) for row in as_list(answer.at("Findings"))}
