"""Each product's command line, pointed at the other's agent, prints what Consul's prints at Consul."""

from pathlib import Path

import pytest

from tests.compat.scenarios.cli import SCENARIOS
from tests.support.agents import dev_agent, program_of
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.cli_runner import CliRunner
from tests.support.recorder.cli_scenario import CliScenario
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.verdict import cli_allowances_for

_SCENARIOS = [scenario for scenario in SCENARIOS if scenario.area != "validate"]  # which asks no agent


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.needs("consul")
@pytest.mark.parametrize("scenario", _SCENARIOS, ids=lambda scenario: scenario.area)
def test_consuls_commands_work_at_lictor(scenario: CliScenario, tmp_path: Path) -> None:
    recorded = load(cassette_path("cli", scenario.area)).exchanges
    directory = tmp_path / "commands"
    directory.mkdir()
    with dev_agent("lictor", tmp_path, scenario.config) as agent:
        exchanges = CliRunner(program_of("consul"), agent.ports, directory).run(scenario)
    text = report(scenario.area, compare(recorded, exchanges, cli_allowances_for(scenario, same_command=True)))
    assert not text, text


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.needs("consul")
@pytest.mark.parametrize("scenario", _SCENARIOS, ids=lambda scenario: scenario.area)
def test_lictors_commands_work_at_consul(scenario: CliScenario, tmp_path: Path) -> None:
    recorded = load(cassette_path("cli", scenario.area)).exchanges
    directory = tmp_path / "commands"
    directory.mkdir()
    with dev_agent("consul", tmp_path, scenario.config) as agent:
        exchanges = CliRunner(program_of("lictor"), agent.ports, directory).run(scenario)
    text = report(scenario.area, compare(recorded, exchanges, cli_allowances_for(scenario, same_agent=True)))
    assert not text, text
