"""What threads of the workload ask: one changes the root, all others fetch and talk."""

from __future__ import annotations

from lictor_jepsen.generator import Generator
from lictor_jepsen.mesh import DESTINATIONS
from lictor_jepsen.workload import WORKLOADS

GENERATOR = Generator(WORKLOADS["ca"], 1, 4)


def test_one_thread_changes_the_root_each_time_to_another_kind_of_key() -> None:
    asked = [GENERATOR.invocation(0, number, {}) for number in range(70)]
    kinds = [one.value for one in asked if one.f == "rotate"]
    assert kinds == [384, 256] * 5


def test_it_changes_no_more_often_than_roots_are_kept() -> None:
    asked = [GENERATOR.invocation(0, number, {}) for number in range(2_000)]
    assert sum(one.f == "rotate" for one in asked) < 64


def test_the_others_fetch_for_all_services_and_talk_to_destinations() -> None:
    asked = [GENERATOR.invocation(2, number, {}) for number in range(200)]
    assert {one.f for one in asked} == {"leaf", "roots", "known", "connect", "send"}
    assert {one.key for one in asked if one.f == "leaf"} == {"web", *DESTINATIONS}
    assert {one.key for one in asked if one.f in ("connect", "send")} == set(DESTINATIONS)


def test_in_the_end_roots_and_connections_are_looked_at() -> None:
    assert [one.f for one in WORKLOADS["ca"].last([])] == ["leaf", "roots", "settle", "settle"]
