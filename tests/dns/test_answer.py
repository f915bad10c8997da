"""Answers: numbers that the wire shares."""

import dns.rdatatype
import pytest

from lictor_dns.answer import Answer, RecordType, Result


@pytest.mark.parametrize("kind", RecordType)
def test_record_types_have_their_registered_numbers(kind: RecordType) -> None:
    assert dns.rdatatype.RdataType[kind.name].value == kind.value


def test_an_answer_is_by_itself_empty_and_in_one_order() -> None:
    answer = Answer(result=Result.FOUND)
    assert (answer.answers, answer.authority, answer.additional, answer.turns) == ((), (), (), 1)
