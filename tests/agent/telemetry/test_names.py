"""What figures are called, and which are wanted."""

from __future__ import annotations

import pytest

from lictor_agent.telemetry.names import gauge_name, is_wanted, named_gauges, told_name
from lictor_config.sections import Telemetry
from lictor_core.metrics import Gauge


@pytest.mark.parametrize(
    ("default", "rules", "name", "wanted"),
    [
        (True, (), "consul.x", True),
        (False, (), "consul.x", False),
        (False, ("+consul.x",), "consul.x.y", True),
        (True, ("-consul.x", "+consul.x.y"), "consul.x.y", True),
        (True, ("+consul.x", "-consul.x.y"), "consul.x.y", False),
        (True, ("consul.x",), "consul.x", True),
    ],
)
def test_the_longest_rule_decides(default: bool, rules: tuple[str, ...], name: str, wanted: bool) -> None:
    assert is_wanted(Telemetry(filter_default=default, prefix_filter=rules), name) is wanted


def test_gauges_carry_the_host_unless_that_is_switched_off() -> None:
    assert gauge_name(Telemetry(), "raft.is_leader", "judge") == "consul.judge.raft.is_leader"
    bare = Telemetry(disable_hostname=True, metrics_prefix="mesh")
    assert gauge_name(bare, "raft.is_leader", "judge") == "mesh.raft.is_leader"
    assert told_name(bare, "rpc.request") == "mesh.rpc.request"


def test_rules_are_about_names_as_they_are_outside() -> None:
    gauges = [Gauge("raft.is_leader", 1), Gauge("runtime.sys_bytes", 2)]
    telemetry = Telemetry(prefix_filter=("-consul.judge.raft",))
    assert named_gauges(telemetry, gauges, "judge") == [Gauge("consul.judge.runtime.sys_bytes", 2)]
