"""Restoring what an earlier run kept: files of the configuration win, damage is set aside, the rest is there."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import LogCapture

from lictor_agent.local import LocalState, Origin
from lictor_agent.persisted.forms import SavedStatus, check_bytes, file_name, service_bytes, status_bytes
from lictor_agent.persisted.restoring import restore
from lictor_agent.persisted.shelf import Item, Kind, Shelf
from lictor_agent.registrar import Registrar, ScriptPolicy
from lictor_config.definitions import CheckDefinition, parse_check, parse_service
from lictor_core.records import CRITICAL, PASSING
from tests.agent.builders import NODE, local_check, local_service
from tests.agent.harness import quiet_log
from tests.support.clock import ManualClock

CONSULS = Path(__file__).parents[2] / "compat" / "recorded" / "data-directory"
TTL = CheckDefinition(ttl_s=30)


@dataclass
class Start:
    """An agent's state at its start."""

    local: LocalState
    registrar: Registrar
    shelf: Shelf
    clock: ManualClock
    logged: LogCapture

    def restore(self) -> set[Item]:
        log, self.logged = quiet_log()
        return restore(self.shelf, self.local, self.registrar, NODE, self.clock, log)

    def events(self) -> list[str]:
        return [str(entry["event"]) for entry in self.logged.entries]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    local, clock = LocalState(), ManualClock()
    registrar = Registrar(local, NODE, ScriptPolicy(from_files=True, from_api=False), range(21_000, 21_002), clock)
    return Start(local, registrar, Shelf(tmp_path), clock, LogCapture())


def _keep(start: Start, *, services: tuple[str, ...] = (), checks: tuple[tuple[str, str], ...] = ()) -> None:
    files = {Item(Kind.SERVICE, file_name(one)): service_bytes(local_service(one)) for one in services}
    for check_id, owner in checks:
        one = local_check(check_id, service_id=owner, definition=TTL, status=PASSING)
        files[Item(Kind.CHECK, file_name(check_id))] = check_bytes(one)
    assert start.shelf.apply({**files}) == {}


def test_services_and_checks_are_back_and_critical(start: Start) -> None:
    _keep(start, services=("web",), checks=(("c", "web"), ("n", "")))
    good = start.restore()
    assert set(start.local.services) == {"web"}
    assert {key: one.check.status for key, one in start.local.checks.items()} == {"c": CRITICAL, "n": CRITICAL}
    assert start.local.checks["c"].check.node == NODE
    assert start.local.services["web"].provenance.is_restored
    assert len(good) == 3


def test_a_state_that_still_holds_is_back_and_an_expired_one_is_not(start: Start) -> None:
    _keep(start, checks=(("holds", ""), ("over", "")))
    for check_id, left in (("holds", 5), ("over", -1)):
        told = SavedStatus(check_id=check_id, output="o", status=PASSING, expires=int(start.clock.now()) + left)
        start.shelf.apply({Item(Kind.STATUS, file_name(check_id)): status_bytes(told)})
    start.restore()
    found = {key: (one.check.status, one.check.output) for key, one in start.local.checks.items()}
    assert found == {"holds": (PASSING, "o"), "over": (CRITICAL, "")}


def test_what_configuration_files_define_wins(start: Start) -> None:
    _keep(start, services=("web",), checks=(("mem", ""), ("c", "web")))
    start.registrar.register_configured(
        [parse_service({"Name": "web", "Port": 99})], [parse_check({"Name": "mem", "TTL": "99s"})]
    )
    start.restore()
    assert (start.local.services["web"].service.port, start.local.services["web"].origin) == (99, Origin.FILE)
    assert start.local.checks["mem"].origin is Origin.FILE
    assert start.local.checks["c"].origin is Origin.API, "a check that no file defines stays on the instance"


def test_a_configured_check_may_be_of_an_instance_that_was_kept_and_has_its_last_state_again(start: Start) -> None:
    _keep(start, services=("web",))
    told = SavedStatus(check_id="c", output="o", status=PASSING, expires=int(start.clock.now()) + 5)
    start.shelf.apply({Item(Kind.STATUS, file_name("c")): status_bytes(told)})
    configured = [parse_check({"ID": "c", "Name": "c", "ServiceID": "web", "TTL": "30s"})]
    log, _ = quiet_log()
    restore(
        start.shelf,
        start.local,
        start.registrar,
        NODE,
        start.clock,
        log,
        configure=lambda: start.registrar.register_configured([], configured),
    )
    found = start.local.checks["c"]
    assert (found.origin, found.check.status, found.check.output) == (Origin.FILE, PASSING, "o")
    assert found.check.service_id == "web"


def test_a_damaged_file_is_set_aside_and_the_rest_is_there(start: Start) -> None:
    _keep(start, services=("web", "db"), checks=(("c", "db"), ("n", "")))
    path = start.shelf.path(Item(Kind.SERVICE, file_name("db")))
    path.write_bytes(b'{"Token":"","Serv')
    start.restore()
    assert (set(start.local.services), set(start.local.checks)) == ({"web"}, {"n"})
    assert path.with_name(path.name + ".damaged").read_bytes() == b'{"Token":"","Serv'
    check = start.shelf.path(Item(Kind.CHECK, file_name("c")))
    assert check.with_name(check.name + ".damaged").exists(), "its instance may be the damaged one"
    assert start.events().count("agent.registration.damaged") == 2


def test_a_file_under_the_name_of_another_is_damage(start: Start) -> None:
    start.shelf.apply({Item(Kind.SERVICE, file_name("db")): service_bytes(local_service("web"))})
    start.restore()
    assert dict(start.local.services) == {}
    assert start.events() == ["agent.registration.damaged"]


def test_a_check_without_its_instance_is_dropped(start: Start) -> None:
    _keep(start, checks=(("c", "gone"),))
    start.restore()
    assert dict(start.local.checks) == {}
    assert start.events() == ["agent.registration.dropped"]


def test_a_script_does_not_run_again_when_it_may_not_any_more(start: Start) -> None:
    script = local_check("s", definition=CheckDefinition(args=("true",), interval_s=10))
    start.shelf.apply({Item(Kind.CHECK, file_name("s")): check_bytes(script)})
    start.restore()
    assert dict(start.local.checks) == {}
    assert start.events() == ["agent.registration.damaged"]


def test_maintenance_is_back_with_its_reason(start: Start) -> None:
    before = Start(LocalState(), start.registrar, start.shelf, start.clock, start.logged)
    registrar = Registrar(before.local, NODE, ScriptPolicy(from_files=True, from_api=True), range(1), start.clock)
    registrar.register_service(parse_service({"Name": "web"}))
    registrar.set_node_maintenance(enable=True, reason="disks")
    registrar.set_service_maintenance("web", enable=True, reason="move")
    start.shelf.apply({Item(Kind.SERVICE, file_name("web")): service_bytes(before.local.services["web"])})
    for check_id, one in before.local.checks.items():
        start.shelf.apply({Item(Kind.CHECK, file_name(check_id)): check_bytes(one)})
    start.restore()
    assert {key: one.check for key, one in start.local.checks.items()} == {
        key: one.check for key, one in before.local.checks.items()
    }


def test_consuls_own_directory_is_taken_over(start: Start, tmp_path: Path) -> None:
    shutil.copytree(CONSULS, tmp_path, dirs_exist_ok=True)
    (state,) = tmp_path.glob("checks/state/*")
    start.clock.jump(json.loads(state.read_bytes())["Expires"] - 10 - start.clock.now())
    start.restore()
    assert set(start.local.services) == {"web-1", "db", "web-1-sidecar-proxy"}
    assert len(start.local.checks) == 8
    assert start.local.checks["service:web-1"].check.status == "warning"
    assert start.events() == ["agent.registrations.restored"]
