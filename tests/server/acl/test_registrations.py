"""The same questions as were asked of Consul 1.8.7, with its verdicts."""

from __future__ import annotations

from typing import Final, Literal

import pytest

from lictor_core.commands import Deregister, NodeUpdate, Register
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_core.records import Check, Node, Service
from lictor_server.acl.registrations import require_deregistering, require_registering, require_updating
from lictor_server.state import apply
from tests.server import build
from tests.server.acl.world import judge_of, world

Verdict = Literal["yes", "no", "unknown"]

_STORE: Final = world()
_NODE: Final = 'node "na" { policy = "write" }'
_WEB: Final = 'service "web" { policy = "write" }'
_API: Final = 'service "api" { policy = "write" }'
_TOKENS: Final = ("", _NODE, _WEB, _API, _NODE + _WEB, _NODE + _API)

_SAME: Final = build.node("na")
_WEB1: Final = build.service("web", id="web1")


def _register(node: Node = _SAME, service: Service | None = None, *checks: Check, skip: bool = True) -> Register:
    return Register(node=node, service=service, checks=list(checks), skip_node_update=skip)


def _check(id: str, service_id: str = "") -> Check:
    return build.check(id, service_id=service_id, node="na")


def _verdict(policy: str, command: Register | Deregister | NodeUpdate) -> Verdict:
    judge = judge_of(policy)
    try:
        match command:
            case Register():
                require_registering(_STORE, judge, command)
            case Deregister():
                require_deregistering(_STORE, judge, command)
            case NodeUpdate():
                require_updating(_STORE, judge, command)
    except PermissionDeniedError:
        return "no"
    except AclRefusedError:
        return "unknown"
    return "yes"


@pytest.mark.parametrize(
    ("command", "verdicts"),
    [
        (_register(skip=False), "yes yes yes yes yes yes"),
        (_register(build.node("na", address="10.0.0.9"), skip=False), "no yes no no yes yes"),
        (_register(build.node("new"), skip=True), "no no no no no no"),
        (_register(_SAME, _WEB1, skip=False), "no no yes no yes no"),
        (_register(_SAME, _WEB1), "no no yes no yes no"),
        (_register(_SAME, build.service("api", id="web1")), "no no no no no no"),
        (_register(_SAME, build.service("api", id="api1")), "no no no yes no yes"),
        (_register(_SAME, None, _check("nc")), "no yes no no yes yes"),
        (_register(_SAME, None, _check("webc", "web1")), "no no yes no yes no"),
        (_register(_SAME, None, _check("zz", "zz1")), "unknown unknown unknown unknown unknown unknown"),
        (Deregister(node="na", check_id="nc"), "no yes no no yes yes"),
        (Deregister(node="na", check_id="webc"), "no yes yes no yes yes"),
        (Deregister(node="na", service_id="web1"), "no yes yes no yes yes"),
        (Deregister(node="na", service_id="zzz"), "unknown yes unknown unknown yes yes"),
        (Deregister(node="na", check_id="zzz"), "unknown yes unknown unknown yes yes"),
        (Deregister(node="na"), "no yes no no yes yes"),
        (Deregister(node="nope"), "no no no no no no"),
    ],
    ids=str,
)
def test_registrations_are_judged_as_by_the_real_consul(command: Register | Deregister, verdicts: str) -> None:
    assert [_verdict(policy, command) for policy in _TOKENS] == verdicts.split()


def test_an_instance_of_both_names_may_be_renamed() -> None:
    assert _verdict(_WEB + _API, _register(_SAME, build.service("api", id="web1"))) == "yes"


def test_a_node_is_not_renamed_without_permission_for_its_former_name() -> None:
    id = "11111111-1111-4111-8111-111111111111"
    store = world()
    apply(store, 1000, build.register(build.node("old", id=id)))
    renamed = Register(node=build.node("new", id=id))

    with pytest.raises(PermissionDeniedError, match='"old"'):
        require_registering(store, judge_of('node "new" { policy = "write" }'), renamed)
    require_registering(store, judge_of('node_prefix "" { policy = "write" }'), renamed)


@pytest.mark.parametrize(
    ("update", "verdicts"),
    [
        (NodeUpdate(node=_SAME), "yes yes yes yes yes yes"),
        (NodeUpdate(node=build.node("na", address="10.0.0.9")), "no yes no no yes yes"),
        (NodeUpdate(node=_SAME, services=[_WEB1]), "no no yes no yes no"),
        (NodeUpdate(node=_SAME, checks=[_check("nc")]), "no yes no no yes yes"),
        (NodeUpdate(node=_SAME, gone_services=["web1"]), "no yes yes no yes yes"),
        (NodeUpdate(node=_SAME, gone_checks=["webc"]), "no yes yes no yes yes"),
        (NodeUpdate(node=_SAME, gone_checks=["nc"]), "no yes no no yes yes"),
        (NodeUpdate(node=_SAME, gone_services=["zzz"], gone_checks=["zzz"]), "yes yes yes yes yes yes"),
        (NodeUpdate(node=_SAME, services=[_WEB1], gone_services=["db1"]), "no no no no yes no"),
    ],
    ids=str,
)
def test_what_an_agent_says_of_its_node_is_judged_part_by_part(update: NodeUpdate, verdicts: str) -> None:
    assert [_verdict(policy, update) for policy in _TOKENS] == verdicts.split()


def test_a_check_is_not_taken_over_from_another_service_or_from_the_node() -> None:
    taken = _register(_SAME, None, _check("nc", "web1"))

    assert _verdict(_WEB, taken) == "no"
    assert _verdict(_WEB + _NODE, taken) == "yes"
