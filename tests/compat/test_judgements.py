"""Rules come to the same judgements as at the real Consul: 60 tokens with up to three policies, 125 questions each."""

import pytest

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_server.acl.texts import policy_rules
from tests.compat.scenarios.judgements import DEFAULTS, QUESTIONS, TOKENS
from tests.support.recorder.judgements import recorded


@pytest.mark.parametrize("default", DEFAULTS)
def test_every_question_is_judged_as_by_consul(default: str) -> None:
    for policies, answers in zip(TOKENS, recorded()[default], strict=True):
        granted = tuple(GrantedPolicy(name=f"p{at}", rules=policy_rules(text)) for at, text in enumerate(policies))
        judge = Authorizer(Grants(accessor_id="t", policies=granted, default=DefaultPolicy(default)))
        for question, answer in zip(QUESTIONS, answers, strict=True):
            assert judge.allows(*question) == (answer == "1"), (question, policies)


def test_what_is_recorded_has_both_answers_to_most_questions() -> None:
    columns = [{row[at] for rows in recorded().values() for row in rows} for at in range(len(QUESTIONS))]

    assert sum(len(one) == 2 for one in columns) > 0.9 * len(columns)
