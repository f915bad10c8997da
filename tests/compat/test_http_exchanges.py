"""Lictor answers over HTTP what the real Consul answered, and only what its OpenAPI document describes."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from lictor_config.load import load_configuration
from lictor_config.tree import Origin
from tests.compat.scenarios.http import SCENARIOS
from tests.support.agents import dev_agent
from tests.support.contract import Contract
from tests.support.gateway import gateway
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.json_types import Json, at
from tests.support.recorder.scenario import Scenario
from tests.support.recorder.targets import checked_targets
from tests.support.recorder.verdict import allowances_for

_CONTRACT = Contract()


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_lictor_answers_what_consul_answered(
    scenario: Scenario, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if scenario.later:
        request.applymarker(pytest.mark.xfail(reason=scenario.later, strict=True))
    recorded = load(cassette_path("http", scenario.area)).exchanges
    with dev_agent("lictor", tmp_path, scenario.config) as agent, _serving(scenario, tmp_path) as targets:
        runner = HttpRunner({**agent.ports, **targets}, judge=_CONTRACT.flaws)
        exchanges = runner.run(scenario)
    differences = compare(recorded, exchanges, allowances_for(scenario, recorded))
    text = report(scenario.area, differences, runner.broken_laws)
    assert not text, text


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.parametrize(
    "scenario", [scenario for scenario in SCENARIOS if not scenario.later], ids=lambda scenario: scenario.area
)
def test_a_client_agent_answers_it_too(scenario: Scenario, tmp_path: Path) -> None:
    recorded = load(cassette_path("http", scenario.area)).exchanges
    with dev_agent("lictor", tmp_path, scenario.config) as agent, _serving(scenario, tmp_path) as targets:
        files = tuple(str(path) for path in tmp_path.glob("agent.json"))
        configuration = load_configuration(Origin(dev=True, files=files))
        with gateway(agent.ports["server"], configuration) as port:
            runner = HttpRunner({**agent.ports, **targets}, through=port, judge=_CONTRACT.flaws)
            exchanges = runner.run(scenario)
    differences = compare(recorded, exchanges, allowances_for(scenario, recorded))
    text = report(scenario.area, differences, runner.broken_laws)
    assert not text, text


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_every_step_is_recorded_as_the_scenario_asks_it(scenario: Scenario) -> None:
    recorded = load(cassette_path("http", scenario.area)).exchanges
    asked = [(step.name, step.method, step.path) for step in scenario.all_steps()]
    assert [_request(exchange) for exchange in recorded] == asked


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_names_of_steps_are_unique(scenario: Scenario) -> None:
    names = [step.name for step in scenario.all_steps()]
    assert len(set(names)) == len(names)


def _serving(scenario: Scenario, directory: Path) -> AbstractContextManager[dict[str, int]]:
    """What the checks of a scenario ask, if they ask anything but the agent."""
    return checked_targets(directory) if scenario.targets else nullcontext(dict[str, int]())


def _request(exchange: Json) -> tuple[str, str, str]:
    return str(at(exchange, "step")), str(at(exchange, "request.method")), str(at(exchange, "request.path"))
