"""Lictor's commands print, and end, as the real Consul's did."""

from pathlib import Path

import pytest

from tests.compat.scenarios.cli import SCENARIOS
from tests.support.agents import dev_agent, program_of
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.cli_runner import CliRunner
from tests.support.recorder.cli_scenario import CliScenario
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.json_types import at
from tests.support.recorder.verdict import cli_allowances_for


@pytest.mark.slow
@pytest.mark.timeout(600)  # up to 150 steps, beside other tests
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_lictor_prints_what_consul_printed(scenario: CliScenario, tmp_path: Path) -> None:
    recorded = load(cassette_path("cli", scenario.area)).exchanges
    directory = tmp_path / "commands"
    directory.mkdir()
    with dev_agent("lictor", tmp_path, scenario.config) as agent:
        exchanges = CliRunner(program_of("lictor"), agent.ports, directory).run(scenario)
    text = report(scenario.area, compare(recorded, exchanges, cli_allowances_for(scenario)))
    assert not text, text


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_every_command_is_recorded_as_the_scenario_types_it(scenario: CliScenario) -> None:
    recorded = load(cassette_path("cli", scenario.area)).exchanges
    typed = [(command.name, list(command.arguments)) for command in scenario.commands()]
    assert [(at(exchange, "step"), at(exchange, "request.arguments")) for exchange in recorded] == typed
