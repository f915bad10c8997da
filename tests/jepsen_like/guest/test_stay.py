"""What is told of a run before it is made, and how all that it makes is named."""

from __future__ import annotations

import re

import pytest

from lictor_jepsen.generator import Generator
from lictor_jepsen.guest.command import GUESTS
from lictor_jepsen.guest.file import ClusterFile, Command
from lictor_jepsen.guest.stay import Stay, script
from lictor_jepsen.net import Node
from lictor_jepsen.op import Value
from lictor_jepsen.workload import WORKLOADS, House, Made, NoGuestError

SERVERS = tuple(Node(number, f"s{number}", f"10.0.0.{number}") for number in (1, 2))
CLUSTER = ClusterFile(
    "staging",
    SERVERS,
    (),
    {},
    (Command("pause", ("stop", "{node}"), ("go", "{node}")),),
    None,
    dns={node.name: (node.address, 8600) for node in SERVERS},
    dns_max_stale_ms=2000,
)
LABEL_MAX = 63


def _stay(workload: str, *faults: str) -> Stay:
    return Stay(CLUSTER, workload, faults, 30.0, 7, 50.0, "20300101T000000-ab12")


def _told(workload: str) -> str:
    return "\n".join(script(_stay(workload)))


def test_the_script_tells_what_is_written_where_and_which_commands_are_run_when() -> None:
    assert "asks s1, s2: register, 50 operations a second for 30 s" in _told("register")
    assert "writes keys below jepsen/staging-register-7-20300101T000000-ab12/\n" in _told("register")
    assert "sessions" not in _told("append")
    assert "makes sessions named jepsen/staging-sessions-7-20300101T000000-ab12/ at s1, s2\n" in _told("sessions")
    assert "registers nodes x-jepsen-20300101t000000-ab12-... with services jepsen-20300101t" in _told("blocking")
    assert "registers services jepsen-20300101t000000-ab12-... at the agents s1, s2\n" in _told("catalog")
    assert "asks DNS at 10.0.0.1:8600, 10.0.0.2:8600\n" in _told("names")
    assert re.search(r"\d s pause: stop s[12]\n.*\d s pause: go s[12]", "\n".join(script(_stay("txn", "pause"))))


@pytest.mark.parametrize("workload", GUESTS)
def test_services_and_nodes_of_a_run_have_its_mark_in_names_that_dns_knows(workload: str) -> None:
    stay = _stay(workload)
    generator = Generator(stay.work, stay.seed, 18, stay.key_mark)
    seen: dict[str, Value] = {}
    keys = {generator.invocation(thread, number, seen).key for thread in range(18) for number in range(0, 900, 7)}
    registers = {Made.NODES, Made.SERVICES} & stay.makes
    assert bool(registers) == all(key.startswith(stay.mark) for key in keys)
    for key in keys if registers else ():
        assert re.fullmatch(r"[a-z0-9-]+", key)
        assert len(f"x-{key}-17") <= LABEL_MAX


def test_sessions_get_longer_ttls_where_shorter_ones_are_refused() -> None:
    def ttls(house: House) -> set[Value]:
        generator = Generator(WORKLOADS["sessions"].as_guest(house), 1, 6)
        asked = [generator.invocation(thread, 24 * life, {}) for thread in range(6) for life in range(9)]
        return {one.value[1] for one in asked if one.f == "open" and isinstance(one.value, tuple)}

    assert ttls(House(session_ttl_min_ms=1000)) == {2000, 3000}
    assert ttls(House()) == {10_000, 15_000}


def test_who_needs_a_cluster_of_its_own_says_why() -> None:
    for name in WORKLOADS.keys() - set(GUESTS):
        with pytest.raises(NoGuestError, match=r"needs a cluster of its own, since it [a-z]+"):
            _ = _stay(name).work


def test_what_is_kept_of_a_run_tells_how_it_is_to_be_judged() -> None:
    assert _stay("names").settings["house"] == {"session_ttl_min_ms": 10_000, "dns_max_stale_ms": 2000, "has_dns": True}
