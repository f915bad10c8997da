"""Calls about the servers."""

from __future__ import annotations

from lictor.api.blocking import Client
from lictor.api.calls import operator
from lictor.api.messages import Options
from lictor.api.settings import Settings, parse_address
from lictor_core.autopilot import AutopilotConfiguration
from tests.client.fake_agent import Reply, fake_agent

HEALTH = b'{"Healthy": false, "FailureTolerance": 0, "Servers": null}'


def test_servers_that_do_not_do_well_are_an_answer_and_no_error() -> None:
    with (
        fake_agent(lambda _: Reply(status=429, body=HEALTH)) as fake,
        Client(Settings(endpoint=parse_address(fake.address))) as client,
    ):
        found = client.send(operator.autopilot_health())
        assert (found.healthy, found.servers) == (False, None)


def test_each_call_asks_for_what_it_says() -> None:
    with (
        fake_agent(lambda _: Reply(body=b"true")) as fake,
        Client(Settings(endpoint=parse_address(fake.address))) as client,
    ):
        client.send(operator.remove_peer(id="a", dc="dc2"))
        client.send(operator.remove_peer(address="192.0.2.1:8300"))
        client.send(operator.transfer_leader("a"))
        assert client.send(operator.set_autopilot_configuration(AutopilotConfiguration(min_quorum=3), cas=7))
    assert [(one.method, one.target) for one in fake.seen] == [
        ("DELETE", "/v1/operator/raft/peer?id=a&dc=dc2"),
        ("DELETE", "/v1/operator/raft/peer?address=192.0.2.1%3A8300"),
        ("POST", "/v1/operator/raft/transfer-leader?id=a"),
        ("PUT", "/v1/operator/autopilot/configuration?cas=7"),
    ]
    assert b'"MinQuorum":3' in fake.seen[-1].body


def test_reads_go_where_options_say() -> None:
    calls = (
        operator.raft_configuration(Options(stale=True)),
        operator.autopilot_configuration(Options(datacenter="dc2")),
        operator.autopilot_health(Options(datacenter="dc2")),
        operator.autopilot_state(),
    )
    assert [call.request.target() for call in calls] == [
        "/v1/operator/raft/configuration?stale=",
        "/v1/operator/autopilot/configuration?dc=dc2",
        "/v1/operator/autopilot/health?dc=dc2",
        "/v1/operator/autopilot/state",
    ]
