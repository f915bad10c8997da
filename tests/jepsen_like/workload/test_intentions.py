"""What threads of the workload ask: one for each destination changes, all others talk."""

from __future__ import annotations

from lictor_jepsen.generator import Generator
from lictor_jepsen.workload import WORKLOADS

GENERATOR = Generator(WORKLOADS["intentions"], 1, 4)


def test_each_destination_is_changed_by_one_thread() -> None:
    for thread, key in ((0, "db"), (1, "api")):
        asked = [GENERATOR.invocation(thread, number, {}) for number in range(40)]
        assert {one.key for one in asked} == {key}
        assert {one.f for one in asked} == {"deny", "allow", "look", "rest"}


def test_the_others_talk_to_both_on_live_and_new_connections() -> None:
    asked = [GENERATOR.invocation(3, number, {}) for number in range(40)]
    assert {(one.f, one.key) for one in asked} == {(f, key) for f in ("connect", "send") for key in ("db", "api")}


def test_in_the_end_everything_is_allowed_and_looked_at() -> None:
    assert [one.f for one in WORKLOADS["intentions"].last([])] == ["allow", "allow", "settle", "settle", "look", "look"]
