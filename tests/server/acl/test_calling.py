import pytest

from lictor_core.errors import PermissionDeniedError
from lictor_core.proxy_status import ProxyPolicy
from lictor_server.acl.callers import Everybody
from lictor_server.acl.calling import CallJudge
from lictor_server.acl.needs_of_calls import NEEDS_OF_CALLS
from tests.server.acl.world import IDS, FixedCallers, world


def _judge(policy: str) -> CallJudge:
    return CallJudge(world(), FixedCallers({"t": policy}))


@pytest.mark.parametrize("method", ["configure_ca", "force_leave", "remove_peer", "transfer_leader"])
def test_what_changes_the_cluster_is_for_operators(method: str) -> None:
    _judge('operator = "write"').require(method, "t")
    with pytest.raises(PermissionDeniedError, match="'operator:write'"):
        _judge('operator = "read"').require(method, "t")


@pytest.mark.parametrize("method", ["save_state", "restore_finish"])
def test_the_whole_state_is_for_who_manages_access_control(method: str) -> None:
    _judge('acl = "write"').require(method, "t")
    with pytest.raises(PermissionDeniedError, match="'acl:write'"):
        _judge('acl = "read" operator = "write"').require(method, "t")


def test_where_a_node_stands_is_said_by_who_writes_it() -> None:
    judge = _judge('node "na" { policy = "write" }')

    judge.require("place", "t", "na")
    with pytest.raises(PermissionDeniedError, match='"nb"'):
        judge.require("place", "t", "nb")


def test_a_leaf_is_signed_for_who_writes_the_service_or_the_node_of_the_agent() -> None:
    judge = _judge('service "web" { policy = "write" } node "na" { policy = "write" }')

    judge.require_leaf("t", service="web", node="")
    judge.require_leaf("t", service="", node="na")
    for service, node in (("db", ""), ("db", "na"), ("", "nb"), ("", "")):
        with pytest.raises(PermissionDeniedError):
            judge.require_leaf("t", service=service, node=node)


def test_a_session_is_renewed_by_who_writes_those_of_its_node() -> None:
    judge = _judge('session "na" { policy = "write" }')

    judge.require_session("t", IDS["sa"])
    judge.require_session("t", "no such session")
    with pytest.raises(PermissionDeniedError, match="'session:write' on \"nb\""):
        judge.require_session("t", IDS["sb"])


def test_proxies_are_told_of_services_that_may_be_read() -> None:
    rows = [
        ProxyPolicy(proxy_id=f"{name}-proxy", service=name, policy_index=1, node="na", age_ms=0)
        for name in ("web", "db")
    ]

    assert _judge('service "web" { policy = "read" }').proxies_seen("t", rows) == rows[:1]
    assert CallJudge(world(), Everybody()).proxies_seen("", rows) == rows


def test_an_unknown_token_calls_nothing_that_is_judged() -> None:
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        _judge("").require_session("unknown", "no such session")


def test_a_row_says_what_it_takes() -> None:
    for method, need in NEEDS_OF_CALLS.items():
        assert need.said, method
        assert need.resource is None or need.said.startswith(f"{need.resource}:{need.access.word}"), method
