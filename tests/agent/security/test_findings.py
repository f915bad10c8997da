"""All rules over one agent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.security import Facts, Severity, findings
from lictor_agent.security.facts import beyond_loopback
from tests.agent.security.closed import CLOSED, found


def test_nothing_is_found_where_nothing_is_open() -> None:
    assert findings(CLOSED) == []


def test_on_loopback_alone_there_are_notes_at_most() -> None:
    """As `lictor agent -dev` is."""
    told = found(Facts(now=0.0, server=True, scripts_by_api=True))
    assert told == {"acl.off": Severity.NOTE, "scripts.api": Severity.NOTE}


def test_an_agent_that_is_open_to_all_is_told_the_worst_first() -> None:
    bare = Facts(
        now=0.0,
        server=True,
        http_plain=("0.0.0.0:8500",),
        rpc_listening="0.0.0.0:8300",
        recursors=("192.0.2.9",),
        dns=("0.0.0.0:8600",),
    )
    listed = findings(bare)
    assert [one.severity for one in listed] == sorted((one.severity for one in listed), key=lambda one: one.rank)
    assert {one.id for one in listed if one.severity is Severity.SEVERE} == {"http.plain", "rpc.open", "acl.off"}
    assert {"http.writes", "dns.recursion"} <= {one.id for one in listed}


def test_each_finding_says_why_and_what_closes_it() -> None:
    worst = Facts(
        now=0.0,
        http_plain=("0.0.0.0:8500",),
        grpc_plain=("0.0.0.0:8502",),
        rpc_listening="0.0.0.0:8300",
        scripts_by_api=True,
        remote_exec=True,
        debug=True,
        keys=2,
        key_demanded=False,
        key_offered=False,
        unknown=("the servers do not answer",),
    )
    for one in findings(worst):
        assert one.title
        assert one.reason
        assert one.setting
        assert not one.reason.endswith(".")


@given(
    st.builds(
        Facts,
        now=st.floats(0, 2e9),
        keys=st.integers(0, 16),
        acls=st.booleans(),
        allows_by_default=st.booleans(),
        http_plain=st.sampled_from([(), ("0.0.0.0:8500",)]),
        rpc_listening=st.sampled_from(["", "192.0.2.1:8300"]),
        rpc_takes_tls=st.booleans(),
        verify_incoming=st.booleans(),
        key_demanded=st.booleans(),
        scripts_by_api=st.booleans(),
        write_networks=st.sampled_from([(), ("10.0.0.0/8",)]),
    )
)
def test_any_facts_are_judged(facts: Facts) -> None:
    told = findings(facts)
    assert len({one.id for one in told}) == len(told)
    if facts.http_plain or (facts.rpc_listening and not facts.verify_incoming and not facts.keys):
        assert any(one.severity is Severity.SEVERE for one in told)


def test_addresses_are_open_when_others_reach_them() -> None:
    near = [("127.0.0.1", 1), ("127.8.0.1", 2), ("::1", 3), ("localhost", 4)]
    assert beyond_loopback([*near, ("0.0.0.0", 5), ("::", 6), ("a.example", 7)]) == (
        "0.0.0.0:5",
        "[::]:6",
        "a.example:7",
    )
