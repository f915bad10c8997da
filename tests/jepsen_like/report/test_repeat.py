"""The command that makes a run again."""

from __future__ import annotations

import shlex

import click
import pytest

from lictor_jepsen.cli import main
from lictor_jepsen.report.repeat import clients, repeat
from tests.jepsen_like.report.build import SETTINGS


def _parsed(line: str) -> dict[str, object]:
    program, torture, command, *flags = shlex.split(line)
    assert (program, torture) == ("lictor", "torture")
    return dict(main.commands[command].make_context(command, list(flags), parent=click.Context(main)).params)


def test_the_command_means_what_the_settings_say() -> None:
    settings = {
        **SETTINGS,
        "agents": 2,
        "faults": ["kill-one", "kill-agent"],
        "seconds": 12.5,
        "net": "netns",
        "overlap": 2,
    }
    asked = _parsed(repeat(settings))
    told = {
        "nodes": 3,
        "agents": 2,
        "workload": "register",
        "nemesis": "kill-one,kill-agent",
        "seconds": 12.5,
        "seed": 7,
        "overlap": 2,
    }
    assert told.items() <= asked.items()
    assert (asked["db"], asked["program"], asked["net"], asked["rate"]) == ("lictor", "", "netns", 100.0)


def test_another_program_and_another_product_are_named() -> None:
    planted = {"name": "lictor", "command": ["python", "a b.py"], "flags": [], "clock_can_jump": True}
    assert shlex.split(str(_parsed(repeat({**SETTINGS, "program": planted}))["program"])) == ["python", "a b.py"]
    consul = {"name": "consul", "command": ["consul"], "flags": [], "clock_can_jump": False}
    asked = _parsed(repeat({**SETTINGS, "program": consul, "faults": []}))
    assert (asked["db"], asked["program"], asked["nemesis"]) == ("consul", "", "none")


def test_settings_of_another_form_give_no_command() -> None:
    assert repeat({"seed": 1}) == ""
    with pytest.raises(ValueError, match="missing"):
        clients({"seed": 1})


def test_clients_stand_before_the_agents_or_else_the_servers() -> None:
    assert clients(SETTINGS) == 3
    assert clients({**SETTINGS, "agents": 2, "threads_per_node": 4}) == 8
