"""From a scenario's declarations to what its steps let differ."""

from collections.abc import Mapping, Sequence

from tests.support.recorder.cli_scenario import CliScenario
from tests.support.recorder.comparison import Allowance
from tests.support.recorder.dns_runner import UNORDERED
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.json_types import Json, at
from tests.support.recorder.scenario import Scenario, Step

_ERROR_FROM = 400
_WIRE = "wire"
_BYTES = "bytes"


def allowances_for(
    scenario: Scenario, recorded: Sequence[Json], *, same_product: bool = False
) -> Mapping[str, Allowance]:
    """What may differ, by step. Error texts are each product's own unless the step says that they are protocol.

    `same_product` drops declared differences and own words: a peer must repeat itself but for the order of lists.
    """
    failed = {str(at(exchange, "step")) for exchange in recorded if _is_error_text(exchange)}
    return {step.name: _allowance(step, step.name in failed, same_product) for step in scenario.all_steps()}


def dns_allowances_for(
    scenario: DnsScenario, recorded: Sequence[Json], *, same_product: bool = False
) -> Mapping[str, Allowance]:
    """What may differ, by question: order within answers, and declared differences.

    All that is in a message is compared as text, and its length; where it has neither order nor time, every byte, too.
    """
    answers = {str(at(exchange, "step")): at(exchange, "response") for exchange in recorded}
    allowances: dict[str, Allowance] = {}
    for question in scenario.questions:
        differs: Mapping[str, str] = {} if same_product else question.differs
        ignored = (_WIRE, _BYTES) if differs else () if _repeats(answers.get(question.name)) else (_WIRE,)
        allowances[question.name] = Allowance(UNORDERED, differs=differs, ignored=ignored)
    return allowances


def _repeats(response: Json) -> bool:
    """Whether every byte of an answer comes again: no choice, no order, no clock, no port of one agent."""
    if not isinstance(response, dict) or _WIRE not in response:
        return False
    sections = [response.get(name) for name in ("answer", "authority", "additional")]
    records = [str(record) for section in sections if isinstance(section, list) for record in section]
    in_order = all(not isinstance(section, list) or len(section) <= 1 for section in sections)
    return in_order and not any(" SOA " in record or "<" in record for record in records)


def cli_allowances_for(
    scenario: CliScenario, *, same_product: bool = False, same_command: bool = False, same_agent: bool = False
) -> Mapping[str, Allowance]:
    """What may differ, by command: error texts, and declared differences.

    `same_command` is for the recorded command beside another agent, `same_agent` for another command beside the
    recorded agent: what was declared of our command, or agent, does not hold then.
    """
    if same_product:
        return {one.name: Allowance(("stdout",) if one.unordered else ()) for one in scenario.commands()}
    return {
        one.name: Allowance(
            ("stdout",) if one.unordered else (),
            ("stderr",),
            differs={} if (same_agent if one.agent_differs else same_command) else one.differs,
        )
        for one in scenario.commands()
    }


def _allowance(step: Step, failed: bool, same_product: bool) -> Allowance:
    if same_product:
        return Allowance(step.unordered)
    own_words = (*step.own_words, "body") if failed and not step.exact_text else step.own_words
    return Allowance(step.unordered, own_words, differs=step.differs)


def _is_error_text(exchange: Json) -> bool:
    status = at(exchange, "response.status")
    return isinstance(status, int) and status >= _ERROR_FROM and at(exchange, "response.content") == "text"
