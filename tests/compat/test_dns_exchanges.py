"""Lictor answers over DNS what the real Consul answered."""

from pathlib import Path

import pytest

from tests.compat.scenarios.dns import SCENARIOS
from tests.support.agents import client_agent, dev_agent
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.dns_runner import DnsRunner
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.json_types import at
from tests.support.recorder.verdict import dns_allowances_for

_OF_THE_NODE = ("the nearest to the agent is the first",)
"""Steps whose answer depends on which node answers."""


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_lictor_answers_what_consul_answered(scenario: DnsScenario, tmp_path: Path) -> None:
    recorded = load(cassette_path("dns", scenario.area)).exchanges
    with scenario.configured() as config, dev_agent("lictor", tmp_path, config) as agent:
        runner = DnsRunner(agent.ports)
        exchanges = runner.run(scenario)
    text = report(
        scenario.area, compare(recorded, exchanges, dns_allowances_for(scenario, recorded)), runner.broken_laws
    )
    assert not text, text


@pytest.mark.slow
@pytest.mark.timeout(300)  # dozens of steps, beside other tests
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_a_client_agent_answers_it_too(scenario: DnsScenario, tmp_path: Path) -> None:
    whole = load(cassette_path("dns", scenario.area)).exchanges
    recorded = [one for one in whole if at(one, "step") not in _OF_THE_NODE]
    with (
        scenario.configured() as config,
        dev_agent("lictor", tmp_path, config) as server,
        client_agent(server, tmp_path, config) as agent,
    ):
        runner = DnsRunner({**server.ports, "dns": agent.ports["dns"]})
        exchanges = [one for one in runner.run(scenario) if at(one, "step") not in _OF_THE_NODE]
    text = report(
        scenario.area, compare(recorded, exchanges, dns_allowances_for(scenario, recorded)), runner.broken_laws
    )
    assert not text, text


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.area)
def test_every_question_is_recorded_once(scenario: DnsScenario) -> None:
    recorded = [at(exchange, "step") for exchange in load(cassette_path("dns", scenario.area)).exchanges]
    assert recorded == [question.name for question in scenario.questions]
    assert len(set(recorded)) == len(recorded)
