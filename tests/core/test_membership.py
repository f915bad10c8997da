"""Members with the tags of Consul's agents."""

from __future__ import annotations

from lictor_core.membership import agent_member, living_member
from lictor_core.records import Member, MemberStatus


def _member(*, server_port: int | None = None, bootstrap: bool = False) -> Member:
    return agent_member(
        name="n1", address="192.0.2.1", node_id="an id", datacenter="dc1", server_port=server_port, bootstrap=bootstrap
    )


def test_only_a_server_has_the_tags_of_servers() -> None:
    server, agent = _member(server_port=8300).tags, _member(bootstrap=True).tags
    assert (server["role"], server["port"], server["wan_join_port"]) == ("consul", "8300", "8302")
    assert agent["role"] == "node"
    assert not {"port", "raft_vsn", "wan_join_port", "bootstrap"} & set(agent)
    assert _member(server_port=8300, bootstrap=True).tags["bootstrap"] == "1"


def test_a_member_is_alive_at_serfs_port_with_its_tags_in_order() -> None:
    assert (_member().status, _member().port) == (MemberStatus.ALIVE, 8301)
    assert list(living_member("n1", "192.0.2.1", 0, {"b": "", "a": ""}).tags) == ["a", "b"]
