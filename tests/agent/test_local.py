"""The local state: what changes, what is told, what stays."""

from __future__ import annotations

import pytest

from lictor_agent import local as local_module
from lictor_agent.local import Change, LocalState, Subject
from lictor_core.errors import NotFoundError, OverloadedError
from lictor_core.records import CRITICAL, PASSING
from tests.agent.builders import local_check, local_service


@pytest.fixture
def local() -> LocalState:
    return LocalState()


def test_putting_the_same_again_changes_nothing(local: LocalState) -> None:
    assert local.put_service(local_service()) == Change(Subject.SERVICE, "web")
    version = local.version
    assert local.put_service(local_service()) is None
    assert local.put_check(local_check(), 0.0) is not None
    assert local.put_check(local_check(), 9.0) is None
    assert local.version == version + 1


def test_a_removed_service_takes_its_checks_along(local: LocalState) -> None:
    local.put_service(local_service())
    local.put_check(local_check("a", service_id="web"), 0.0)
    local.put_check(local_check("b"), 0.0)
    changes = local.remove_service("web")
    assert changes == [Change(Subject.CHECK, "a", removed=True), Change(Subject.SERVICE, "web", removed=True)]
    assert set(local.checks) == {"b"}
    assert local.remove_service("web") == []


def test_a_check_of_an_unknown_service_is_refused(local: LocalState) -> None:
    with pytest.raises(NotFoundError, match='ServiceID "nobody" does not exist'):
        local.put_check(local_check(service_id="nobody"), 0.0)
    assert not local.checks


def test_a_status_is_told_apart_from_an_output(local: LocalState) -> None:
    local.put_check(local_check(), 0.0)
    assert local.set_status("alive", PASSING, "ok", 1.0) == Change(Subject.CHECK, "alive")
    assert local.set_status("alive", PASSING, "still ok", 2.0) == Change(Subject.CHECK, "alive", status_changed=False)
    assert local.set_status("alive", PASSING, "still ok", 3.0) is None
    assert local.set_status("gone", PASSING, "", 3.0) is None


def test_critical_since_is_the_beginning_of_the_last_unbroken_time(local: LocalState) -> None:
    local.put_check(local_check(), 5.0)
    assert local.checks["alive"].critical_since == 5.0
    local.set_status("alive", CRITICAL, "worse", 7.0)
    assert local.checks["alive"].critical_since == 5.0
    local.set_status("alive", PASSING, "", 8.0)
    assert local.checks["alive"].critical_since is None
    local.set_status("alive", CRITICAL, "", 9.0)
    assert local.checks["alive"].critical_since == 9.0


def test_an_output_is_untold_from_its_first_change_until_told(local: LocalState) -> None:
    local.put_check(local_check(status=PASSING), 0.0)
    local.set_status("alive", PASSING, "one", 1.0)
    local.set_status("alive", PASSING, "two", 2.0)
    assert local.checks["alive"].output_since == 1.0
    assert local.untold_outputs == {"alive"}
    local.output_told("alive")
    assert local.checks["alive"].output_since is None
    assert local.untold_outputs == set()


def test_a_removed_check_is_not_untold(local: LocalState) -> None:
    local.put_check(local_check(status=PASSING), 0.0)
    local.set_status("alive", PASSING, "one", 1.0)
    local.remove_check("alive")
    assert local.untold_outputs == set()
    assert local.remove_check("alive") is None


def test_versions_of_a_thing_move_only_with_it(local: LocalState) -> None:
    local.put_service(local_service("a"))
    local.put_service(local_service("b"))
    seen = local.changed_at(Subject.SERVICE, "a")
    local.put_service(local_service("b", tags=("t",)))
    assert local.changed_at(Subject.SERVICE, "a") == seen
    local.put_service(local_service("a", tags=("t",)))
    assert local.changed_at(Subject.SERVICE, "a") > seen


def test_a_version_never_comes_back_when_a_thing_does(local: LocalState) -> None:
    versions: list[int] = []
    for _ in range(3):
        local.put_service(local_service("a"))
        versions.append(local.changed_at(Subject.SERVICE, "a"))
        local.remove_service("a")
        versions.append(local.changed_at(Subject.SERVICE, "a"))
    assert versions == sorted(set(versions))


def test_equal_content_has_an_equal_digest(local: LocalState) -> None:
    empty = local.digest
    local.put_service(local_service())
    full = local.digest
    local.remove_service("web")
    assert (local.digest, full != empty) == (empty, True)
    local.put_service(local_service())
    assert local.digest == full


def test_subscribers_hear_every_change_until_they_stop(local: LocalState) -> None:
    heard: list[Change] = []
    stop = local.subscribe(heard.append)
    local.put_service(local_service())
    stop()
    local.remove_service("web")
    assert heard == [Change(Subject.SERVICE, "web")]


def test_a_check_that_moves_belongs_to_its_new_service_only(local: LocalState) -> None:
    for name in ("a", "b"):
        local.put_service(local_service(name))
    local.put_check(local_check("c", service_id="a"), 0.0)
    local.put_check(local_check("c", service_id="b"), 0.0)
    assert local.checks_of("a") == []
    local.remove_service("a")
    assert "c" in local.checks


def test_the_sidecars_of_a_service_are_found(local: LocalState) -> None:
    local.put_service(local_service("web"))
    local.put_service(local_service("web-sidecar-proxy", sidecar_of="web"))
    assert [one.service.id for one in local.sidecars_of("web")] == ["web-sidecar-proxy"]


def test_bounds_refuse_one_more(local: LocalState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "SERVICES_MAX", 1)
    monkeypatch.setattr(local_module, "CHECKS_MAX", 1)
    local.put_service(local_service("a"))
    local.put_check(local_check("a"), 0.0)
    local.put_service(local_service("a", tags=("t",)))
    with pytest.raises(OverloadedError, match="at most 1 services"):
        local.put_service(local_service("b"))
    with pytest.raises(OverloadedError, match="at most 1 checks"):
        local.put_check(local_check("b"), 0.0)


def test_adopting_tags_changes_only_what_differs(local: LocalState) -> None:
    local.put_service(local_service(tags=("a",)))
    assert local.adopt_tags("web", ["a"]) is None
    assert local.adopt_tags("web", ["b"]) == Change(Subject.SERVICE, "web")
    assert local.services["web"].service.tags == ["b"]
    assert local.adopt_tags("nobody", ["b"]) is None
