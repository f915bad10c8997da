"""Rules about rights, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lictor_agent.security import Facts, Severity, findings
from tests.agent.security.closed import CLOSED, found


def test_no_access_control_is_severe_where_others_come_in() -> None:
    assert found(replace(CLOSED, acls=False))["acl.off"] is Severity.SEVERE
    assert found(replace(CLOSED, acls=False, http_secured=()))["acl.off"] is Severity.SEVERE
    assert found(Facts(now=0.0)) == {"acl.off": Severity.NOTE}


def test_what_is_allowed_by_default_is_told_of() -> None:
    assert found(replace(CLOSED, allows_by_default=True)) == {"acl.allow": Severity.SEVERE}
    assert found(replace(CLOSED, allows_by_default=True, http_secured=())) == {"acl.allow": Severity.WARNING}


def test_what_the_anonymous_token_may_is_told_of() -> None:
    reads = replace(CLOSED, anonymous_reads=('node_prefix "" { policy = "read" }',))
    writes = replace(reads, anonymous_writes=tuple(f'key "{number}"' for number in range(5)))
    assert found(reads) == {"acl.anonymous": Severity.WARNING}
    assert found(writes) == {"acl.anonymous": Severity.SEVERE}
    assert found(replace(writes, http_secured=())) == {"acl.anonymous": Severity.WARNING}
    [told] = findings(writes)
    assert told.reason.endswith('key "2" and 2 more')


def test_a_down_policy_that_allows_is_told_of() -> None:
    assert found(replace(CLOSED, down_policy="allow")) == {"acl.down": Severity.WARNING}


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        (replace(CLOSED, acls=False), Severity.SEVERE),
        (replace(CLOSED, allows_by_default=True), Severity.SEVERE),
        (replace(CLOSED, acls=False, write_networks=("127.0.0.0/8",)), Severity.WARNING),
        (CLOSED, Severity.WARNING),
        (Facts(now=0.0), Severity.NOTE),
    ],
)
def test_scripts_over_http_are_as_bad_as_who_may_register_them(facts: Facts, severity: Severity) -> None:
    assert found(replace(facts, scripts_by_api=True))["scripts.api"] is severity


def test_remote_commands_are_told_of() -> None:
    assert found(replace(CLOSED, remote_exec=True)) == {"exec.remote": Severity.WARNING}
    assert found(replace(CLOSED, acls=False, remote_exec=True))["exec.remote"] is Severity.SEVERE


def test_what_was_not_found_out_is_not_passed_over() -> None:
    assert found(replace(CLOSED, unknown=("the servers are away",))) == {"unknown": Severity.WARNING}
