"""What would spoil a run is told before it: a token that may not write or not see, a DNS that hides, a wrong name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from lictor_jepsen.checker import Finding, Verdict
from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.guest.rehearsal import rehearse
from lictor_jepsen.guest.stay import Stay
from lictor_jepsen.guest.traces import Traces
from lictor_jepsen.net import Node
from lictor_jepsen.workload import Made
from tests.jepsen_like.guest.host import Host, hosting

pytestmark = pytest.mark.slow
WRITER = """
key_prefix "jepsen/" { policy = "write" }
session_prefix "" { policy = "write" }
service_prefix "jepsen-" { policy = "write" }
"""
NODES = 'node_prefix "x-jepsen-" { policy = "write" }'
PATIENCE_S = 2.0


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosting(tmp_path_factory.mktemp("host")) as found:
        yield found


async def _rehearsed(host: Host, workload: str, token: str, name: str = "s1") -> tuple[Finding, set[Made]]:
    url = f"http://:{token}@{urlsplit(host.owner_url).hostname}:{host.http}"
    node = Node(1, name, "127.0.0.1")
    cluster = ClusterFile("x", (node,), (), {name: url}, (), None, dns={name: ("127.0.0.1", host.dns)})
    cluster = cluster._replace(dns_max_stale_ms=2000, session_ttl_min_ms=1000)
    stay = Stay(cluster, workload, (), 5.0, 1, 10.0, f"{time.monotonic_ns()}", PATIENCE_S)
    traces = Traces(stay, time.monotonic)
    found = await rehearse(stay, traces, time.monotonic)
    made = set(traces.made)
    assert await traces.remove() == []
    assert host.left() == {}
    return found, made


def _said(found: Finding) -> str:
    [problem] = found.problems
    assert found.verdict is Verdict.UNKNOWN
    return problem.text


@pytest.mark.parametrize("workload", ["register", "lock", "sessions", "blocking", "catalog", "names"])
async def test_the_documented_rights_are_enough(host: Host, workload: str) -> None:
    found, made = await _rehearsed(host, workload, host.token(WRITER + NODES + 'node_prefix "" { policy = "read" }'))
    assert (found.verdict, found.judged) == (Verdict.VALID, 1)
    assert Made.KEYS in made


async def test_a_token_that_may_not_write_is_named_at_once_with_what_it_lacks(host: Host) -> None:
    began = time.monotonic()
    found, made = await _rehearsed(host, "register", host.token('key_prefix "jepsen/" { policy = "read" }'))
    said = _said(found)
    assert said.startswith("s1 does not let this token write and read keys: 403 Permission denied: token with Accessor")
    assert "lacks permission 'key:write' on \"jepsen/x-register-1-" in said
    assert said.endswith('It takes a token with write for key_prefix "jepsen/"')
    assert made == set(), "where nothing can have been made nothing is looked for"
    assert time.monotonic() - began < PATIENCE_S, "nobody waits for what will not come"


@pytest.mark.parametrize(
    ("workload", "rules", "said"),
    [
        ("lock", 'key_prefix "jepsen/" { policy = "write" }', "make, list and end sessions: 403 Permission denied"),
        ("blocking", WRITER, "register, show and deregister nodes: 403 Permission denied"),
        ("catalog", WRITER + NODES, "a service that was registered at s1 is not shown by /v1/health/service"),
    ],
)
async def test_a_token_that_lacks_one_right_or_is_shown_less_than_there_is_cannot_judge(
    host: Host, workload: str, rules: str, said: str
) -> None:
    found, _ = await _rehearsed(host, workload, host.token(rules))
    assert said in _said(found)


async def test_a_dns_that_hides_what_is_registered_cannot_be_judged(host: Host) -> None:
    token = host.token(WRITER + NODES)
    host.let_anybody_see(nothing=True)
    try:
        found, _ = await _rehearsed(host, "names", token)
    finally:
        host.let_anybody_see()
    assert f"DNS at 127.0.0.1:{host.dns} answers N" in _said(found)
    assert 'it takes DNS with read for node_prefix "x-jepsen-"' in _said(found)


async def test_an_agent_with_another_name_than_the_file_says_is_told(host: Host) -> None:
    token = host.token(WRITER + NODES + 'node_prefix "" { policy = "read" }')
    found, _ = await _rehearsed(host, "catalog", token, name="web")
    assert _said(found).startswith("web is s1 in the catalog: give it that name in the file")
