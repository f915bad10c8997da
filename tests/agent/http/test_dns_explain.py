"""`/v1/internal/dns/explain`."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live

PATH = "/v1/internal/dns/explain"
WEB = {"Name": "web", "Port": 80, "Tags": ["v1"], "Check": {"TTL": "90s", "Status": "passing"}}


async def test_a_question_is_explained_with_its_instances(live: Live) -> None:
    await live.put("/v1/catalog/register", {"Node": "n1", "Address": "10.0.0.1", "Service": {"Service": "web"}})
    answer = await live.get(f"{PATH}?name=web.service.consul&type=SRV&tcp")
    assert answer.status == 200
    assert (answer.at("Code"), answer.at("Transport"), answer.at("Kind")) == ("NOERROR", "TCP", "service")
    assert (answer.at("Instances.0.ID"), answer.at("Instances.0.Given")) == ("web", True)
    assert answer.at("Instances.0.Reason") == "it has no checks"
    assert answer.at("Answers.0") == "web.service.consul. 0 IN SRV 1 1 0 n1.node.dc1.consul."
    assert answer.at("DependsOn.0.Name") == "service:web"
    assert answer.at("AgeSeconds") == 0


async def test_the_clients_bound_is_taken(live: Live) -> None:
    assert (await live.get(f"{PATH}?name=web.service.consul&edns=1232")).at("BytesMax") == 1232
    assert (await live.get(f"{PATH}?name=web.service.consul")).at("BytesMax") == 512


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "name the question"),
        ("?name=a..b", "no DNS name"),
        ("?name=a.consul&type=NOSUCH", "no type"),
        ("?name=a.consul&edns=many", "edns is a number"),
        ("?name=a.consul&edns=70000", "payload"),
        ("?name=a.consul&subnet=x", "no subnet"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(live: Live, query: str, word: str) -> None:
    answer = await live.get(PATH + query)
    assert (answer.status, word in answer.text) == (400, True)
