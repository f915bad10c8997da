"""Registering: all or nothing, what stays and what goes."""

from __future__ import annotations

import pytest

from lictor_agent import local as local_module
from lictor_agent.local import LocalState, Origin
from lictor_agent.registrar import Registrar, ScriptPolicy
from lictor_config.definitions import parse_check, parse_service
from lictor_core.errors import NotFoundError, OverloadedError, RequestError
from lictor_core.records import PASSING
from tests.agent.builders import NODE
from tests.support.clock import ManualClock

SIDECAR: dict[str, object] = {"SidecarService": {}}
SCRIPT = {"Name": "script", "Args": ["true"], "Interval": "10s"}


def _registrar(local: LocalState, *, files: bool = False, api: bool = False) -> Registrar:
    return Registrar(local, NODE, ScriptPolicy(from_files=files, from_api=api), range(21_000, 21_002), ManualClock())


@pytest.fixture
def local() -> LocalState:
    return LocalState()


@pytest.fixture
def registrar(local: LocalState) -> Registrar:
    return _registrar(local)


def test_a_service_comes_with_checks_and_sidecar(local: LocalState, registrar: Registrar) -> None:
    body = {"Name": "web", "Check": {"TTL": "9s"}, "Connect": SIDECAR}
    registered = registrar.register_service(parse_service(body))
    assert registered.services == set(local.services) == {"web", "web-sidecar-proxy"}
    assert (
        registered.checks
        == set(local.checks)
        == {
            "service:web",
            "service:web-sidecar-proxy:1",
            "service:web-sidecar-proxy:2",
        }
    )
    assert local.services["web-sidecar-proxy"].origin is Origin.SIDECAR


def test_a_sidecar_keeps_its_port_when_registered_again(local: LocalState, registrar: Registrar) -> None:
    body = {"Name": "web", "Connect": SIDECAR}
    for port in (80, 81):
        registrar.register_service(parse_service({**body, "Port": port}))
    assert local.services["web-sidecar-proxy"].service.port == 21_000
    registrar.register_service(parse_service({**body, "Name": "api"}))
    assert local.services["api-sidecar-proxy"].service.port == 21_001


def test_a_sidecar_goes_with_its_service_and_stays_without(local: LocalState, registrar: Registrar) -> None:
    registrar.register_service(parse_service({"Name": "web", "Connect": SIDECAR}))
    registrar.register_service(parse_service({"Name": "web"}))
    assert "web-sidecar-proxy" in local.services
    assert registrar.deregister_service("web")
    assert not local.services
    assert not registrar.deregister_service("web")


def test_earlier_checks_stay_unless_they_are_to_be_replaced(local: LocalState, registrar: Registrar) -> None:
    registrar.register_service(parse_service({"Name": "web", "Checks": [{"TTL": "9s"}, {"TTL": "8s"}]}))
    registrar.register_service(parse_service({"Name": "web", "Check": {"TTL": "7s"}}))
    assert set(local.checks) == {"service:web", "service:web:1", "service:web:2"}
    registrar.set_service_maintenance("web", enable=True, reason="")
    only = parse_service({"Name": "web", "Check": {"CheckID": "only", "TTL": "7s"}})
    registrar.register_service(only, replace_existing_checks=True)
    assert set(local.checks) == {"only", "_service_maintenance:web"}


def test_a_check_keeps_its_status_when_defined_again(local: LocalState, registrar: Registrar) -> None:
    registrar.register_check(parse_check({"Name": "c", "TTL": "9s"}))
    local.set_status("c", PASSING, "fine", 0.0)
    registrar.register_check(parse_check({"Name": "c", "TTL": "8s", "Status": "warning"}))
    assert (local.checks["c"].check.status, local.checks["c"].check.output) == (PASSING, "fine")


def test_tokens_come_from_the_definition_then_the_request_then_the_service(
    local: LocalState, registrar: Registrar
) -> None:
    registrar.register_service(parse_service({"Name": "web", "Token": "own", "Check": {"TTL": "9s"}}), token="sent")
    assert (local.services["web"].token, local.checks["service:web"].token) == ("own", "sent")
    registrar.register_check(parse_check({"Name": "c", "ServiceID": "web", "TTL": "9s"}))
    assert local.checks["c"].token == "own"


def test_a_check_of_an_unknown_service_is_not_found(registrar: Registrar) -> None:
    with pytest.raises(NotFoundError, match='ServiceID "nobody" does not exist'):
        registrar.register_check(parse_check({"Name": "c", "ServiceID": "nobody", "TTL": "9s"}))


def test_scripts_need_leave_for_where_they_come_from(local: LocalState) -> None:
    script = parse_check(SCRIPT)
    with pytest.raises(RequestError, match="disabled on this agent from remote calls"):
        _registrar(local, files=True).register_check(script)
    with pytest.raises(RequestError, match="'enable_local_script_checks' to true"):
        _registrar(local).register_check(script, origin=Origin.FILE)
    _registrar(local, files=True).register_check(script, origin=Origin.FILE)
    _registrar(local, api=True).register_check(script)


def test_a_service_whose_check_may_not_run_is_not_registered_at_all(local: LocalState, registrar: Registrar) -> None:
    body = {"Name": "web", "Check": {"Args": ["true"], "Interval": "10s"}, "Connect": SIDECAR}
    with pytest.raises(RequestError):
        registrar.register_service(parse_service(body))
    assert not local.services


def test_maintenance_keeps_its_first_reason(local: LocalState, registrar: Registrar) -> None:
    registrar.set_node_maintenance(enable=True, reason="moving")
    registrar.set_node_maintenance(enable=True, reason="other")
    assert local.checks["_node_maintenance"].check.notes == "moving"
    registrar.set_node_maintenance(enable=False, reason="")
    registrar.set_node_maintenance(enable=False, reason="")
    assert not local.checks


def test_maintenance_of_an_unknown_service_is_not_found(registrar: Registrar) -> None:
    with pytest.raises(NotFoundError, match='No service registered with ID "nobody"'):
        registrar.set_service_maintenance("nobody", enable=True, reason="")


def test_files_replace_what_files_defined_and_nothing_else(local: LocalState, registrar: Registrar) -> None:
    registrar.register_service(parse_service({"Name": "api"}))
    check = parse_check({"Name": "disk", "TTL": "9s"})
    first = parse_service({"Name": "one", "Check": {"TTL": "9s"}, "Connect": SIDECAR})
    registrar.register_configured([first], [check])
    assert set(local.services) == {"api", "one", "one-sidecar-proxy"}
    registrar.register_configured([parse_service({"Name": "two"})], [])
    assert set(local.services) == {"api", "two"}
    assert not local.checks


def test_a_check_that_stands_by_itself_in_a_file_shows_no_type(local: LocalState, registrar: Registrar) -> None:
    service = parse_service({"Name": "web", "Check": {"TTL": "9s"}})
    of_service = parse_check({"Name": "owned", "ServiceID": "web", "TTL": "9s"})
    registrar.register_configured([service], [parse_check({"Name": "alone", "TTL": "9s"}), of_service])
    assert {name: one.check.type for name, one in local.checks.items()} == {
        "service:web": "ttl",
        "alone": "",
        "owned": "",
    }
    registrar.register_check(parse_check({"Name": "alone", "TTL": "9s"}))
    assert local.checks["alone"].check.type == "ttl"


def test_files_with_a_check_that_may_not_run_change_nothing(local: LocalState, registrar: Registrar) -> None:
    registrar.register_configured([parse_service({"Name": "one"})], [])
    with pytest.raises(RequestError):
        registrar.register_configured([parse_service({"Name": "two"})], [parse_check(SCRIPT)])
    assert set(local.services) == {"one"}


def test_undoing_gives_back_a_check_that_was_somebody_elses(local: LocalState, registrar: Registrar) -> None:
    registrar.register_check(parse_check({"ID": "c", "Name": "disk", "TTL": "9s"}))
    registrar.register_service(parse_service({"Name": "db", "Check": {"CheckID": "d", "TTL": "9s"}}))
    before = dict(local.checks)
    checks = [{"CheckID": "c", "TTL": "8s"}, {"CheckID": "d", "TTL": "8s"}]
    registered = registrar.register_service(parse_service({"Name": "web", "Checks": checks}))
    assert {one.check.service_id for one in local.checks.values()} == {"web"}
    registrar.undo(registered)
    assert (dict(local.checks), set(local.services)) == (before, {"db"})


def test_undoing_after_the_instance_has_gone_brings_nothing_back(local: LocalState, registrar: Registrar) -> None:
    registrar.register_service(parse_service({"Name": "web", "Check": {"TTL": "9s"}}))
    again = parse_service({"Name": "web", "Port": 1})
    registered = registrar.register_service(again, replace_existing_checks=True)
    registrar.deregister_service("web")
    registrar.undo(registered)
    assert (dict(local.checks), dict(local.services)) == ({}, {})


def test_an_agent_that_is_full_still_takes_changes_of_what_it_has(
    local: LocalState, registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "SERVICES_MAX", 1)
    monkeypatch.setattr(local_module, "CHECKS_MAX", 1)
    registrar.register_service(parse_service({"Name": "web", "Port": 1, "Check": {"TTL": "9s"}}))
    registrar.register_service(parse_service({"Name": "web", "Port": 2, "Check": {"TTL": "8s"}}))
    assert local.services["web"].service.port == 2
    with pytest.raises(OverloadedError):
        registrar.register_service(parse_service({"Name": "web", "Port": 3, "Checks": [{"TTL": "9s"}, {"TTL": "8s"}]}))
    with pytest.raises(OverloadedError):
        registrar.register_service(parse_service({"Name": "db"}))
    assert local.services["web"].service.port == 2
