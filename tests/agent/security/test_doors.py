"""Rules about doors, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lictor_agent.security import Facts, Severity, findings
from tests.agent.security.closed import CLOSED, found


def test_plain_http_beyond_loopback_is_severe() -> None:
    assert found(replace(CLOSED, http_plain=("192.0.2.1:8500",))) == {"http.plain": Severity.SEVERE}


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        (replace(CLOSED, https_demands_certificates=False), Severity.NOTE),
        (replace(CLOSED, https_demands_certificates=False, allows_by_default=True), Severity.WARNING),
    ],
)
def test_writes_from_everywhere_are_told_of(facts: Facts, severity: Severity) -> None:
    assert found(facts)["http.writes"] is severity
    assert "http.writes" not in found(replace(facts, write_networks=("127.0.0.0/8",)))


def test_profiles_for_everybody_are_told_of() -> None:
    assert found(replace(CLOSED, acls=False, debug=True))["http.debug"] is Severity.WARNING
    assert "http.debug" not in found(replace(CLOSED, debug=True))
    assert "http.debug" not in found(Facts(now=0.0, debug=True))


def test_plain_grpc_beyond_loopback_is_severe() -> None:
    assert found(replace(CLOSED, grpc_plain=("192.0.2.1:8502",))) == {"grpc.plain": Severity.SEVERE}


def test_an_open_resolver_is_told_of() -> None:
    facts = replace(CLOSED, dns=("192.0.2.1:8600",), recursors=("192.0.2.53",))
    assert found(facts) == {"dns.recursion": Severity.WARNING}
    assert found(replace(facts, recursors=())) == {}
    assert found(replace(facts, dns=())) == {}


def test_plain_connections_between_servers_are_severe_unless_a_key_is_proven() -> None:
    plain = replace(CLOSED, rpc_takes_tls=False, rpc_dials_tls=False, verify_incoming=False)
    assert found(plain) == {"rpc.open": Severity.SEVERE}
    assert found(replace(plain, keys=1)) == {"rpc.plain": Severity.WARNING}
    assert found(replace(plain, keys=1, key_demanded=False))["rpc.open"] is Severity.SEVERE


def test_a_client_agent_that_speaks_plainly_to_servers_elsewhere_is_told() -> None:
    client = replace(CLOSED, server=False, rpc_listening="", rpc_takes_tls=False, rpc_dials_tls=False)
    assert found(client) == {"rpc.open": Severity.SEVERE}
    assert found(replace(client, rpc_dialed="")) == {}


def test_tls_that_nobody_has_to_prove_is_severe_unless_a_key_is_proven() -> None:
    assert found(replace(CLOSED, verify_incoming=False)) == {"rpc.unverified": Severity.SEVERE}
    assert found(replace(CLOSED, verify_incoming=False, keys=1)) == {"rpc.unverified": Severity.WARNING}


def test_servers_that_need_not_be_servers_are_told_of() -> None:
    assert found(replace(CLOSED, verify_server_hostname=False)) == {"rpc.hostname": Severity.WARNING}


@pytest.mark.parametrize(
    ("demanded", "offered", "setting"),
    [
        (False, True, "encrypt_verify_incoming = true"),
        (True, False, "encrypt_verify_outgoing = true"),
        (False, False, "encrypt_verify_incoming = true and encrypt_verify_outgoing = true"),
    ],
)
def test_a_key_that_is_not_insisted_upon_is_told_of(*, demanded: bool, offered: bool, setting: str) -> None:
    facts = replace(CLOSED, keys=1, key_demanded=demanded, key_offered=offered)
    assert [(one.id, one.setting) for one in findings(facts)] == [("key.lenient", setting)]


def test_keys_of_a_rotation_that_was_not_finished_are_noted() -> None:
    assert found(replace(CLOSED, keys=2)) == {"key.several": Severity.NOTE}
