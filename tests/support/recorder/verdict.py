"""From a scenario's declarations to what its steps let differ."""

from collections.abc import Mapping, Sequence

from tests.support.recorder.cli_scenario import CliScenario
from tests.support.recorder.comparison import Allowance
from tests.support.recorder.dns_runner import UNORDERED
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.json_types import Json, at
from tests.support.recorder.scenario import Scenario, Step

_ERROR_FROM = 400
_UNCOMPARED_DNS = ("wire", "bytes")  # shuffles and compression differ; all that is in a message is compared as text


def allowances_for(
    scenario: Scenario, recorded: Sequence[Json], *, same_product: bool = False
) -> Mapping[str, Allowance]:
    """What may differ, by step. Error texts are each product's own unless the step says that they are protocol.

    `same_product` drops declared differences and own words: a peer must repeat itself but for the order of lists.
    """
    failed = {str(at(exchange, "step")) for exchange in recorded if _is_error_text(exchange)}
    return {step.name: _allowance(step, step.name in failed, same_product) for step in scenario.all_steps()}


def dns_allowances_for(scenario: DnsScenario, *, same_product: bool = False) -> Mapping[str, Allowance]:
    """What may differ, by question: order within answers, the bytes of a message, and declared differences."""
    return {
        question.name: Allowance(UNORDERED, differs={} if same_product else question.differs, ignored=_UNCOMPARED_DNS)
        for question in scenario.questions
    }


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
