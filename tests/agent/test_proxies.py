"""What an agent knows of its proxies: of those alone that are registered and tell."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from lictor_agent.local import LocalState
from lictor_agent.proxies import Proxies
from lictor_core.errors import NotFoundError
from lictor_core.proxy_status import BUILT_IN, SILENT_S_MAX, ProxyReport
from tests.agent.builders import local_service
from tests.support.clock import ManualClock

REPORT = ProxyReport(data_plane=BUILT_IN, policy_index=7)


def known(clock: ManualClock) -> tuple[Proxies, LocalState]:
    local = LocalState()
    for name in ("db", "web"):
        plain = local_service(f"{name}-sidecar-proxy")
        proxy = msgspec.structs.replace(plain.service.proxy, destination_service_name=name)
        local.put_service(replace(plain, service=msgspec.structs.replace(plain.service, proxy=proxy)))
    return Proxies(local, "judge", clock), local


def test_a_proxy_is_shown_with_whom_it_stands_for_and_when_it_told() -> None:
    clock = ManualClock()
    proxies, _ = known(clock)
    proxies.report("db-sidecar-proxy", REPORT)
    clock.advance(2.5)
    (shown,) = proxies.all()
    assert (shown.proxy_id, shown.node, shown.service, shown.reported_ms) == ("db-sidecar-proxy", "judge", "db", 2500)
    assert (shown.data_plane, shown.policy_index) == (BUILT_IN, 7)
    (policy,) = proxies.policies()
    assert (policy.proxy_id, policy.service, policy.policy_index, policy.age_ms) == ("db-sidecar-proxy", "db", 7, 2500)


def test_only_what_is_registered_here_is_known() -> None:
    proxies, local = known(ManualClock())
    with pytest.raises(NotFoundError, match="register it first"):
        proxies.report("api-sidecar-proxy", REPORT)
    proxies.report("db-sidecar-proxy", REPORT)
    local.remove_service("db-sidecar-proxy")
    assert proxies.all() == []


def test_a_silent_proxy_is_forgotten() -> None:
    clock = ManualClock()
    proxies, _ = known(clock)
    proxies.report("db-sidecar-proxy", REPORT)
    clock.advance(SILENT_S_MAX)
    assert len(proxies.all()) == 1
    clock.advance(0.1)
    assert proxies.policies() == []


def test_a_change_of_policy_is_told_and_a_sign_of_life_is_not() -> None:
    proxies, _ = known(ManualClock())
    proxies.report("db-sidecar-proxy", REPORT)
    assert proxies.changed.is_set()
    proxies.changed.clear()
    proxies.report("db-sidecar-proxy", REPORT)
    assert not proxies.changed.is_set()
    proxies.forget("db-sidecar-proxy")
    assert proxies.changed.is_set()
    assert proxies.all() == []
