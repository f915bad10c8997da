import pytest
from pysyncobj import FAIL_REASON

from lictor_server.raft.outcome import Reason, error_of


def test_reasons_have_pysyncobjs_numbers() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        name: value for name, value in vars(FAIL_REASON).items() if name.isupper()
    }


@pytest.mark.parametrize(
    ("reason", "definite"),
    [
        (Reason.QUEUE_FULL, True),
        (Reason.MISSING_LEADER, True),
        (Reason.NOT_LEADER, True),
        (Reason.DISCARDED, True),
        (Reason.REQUEST_DENIED, True),
        (Reason.LEADER_CHANGED, False),
        (Reason.UNKNOWN_OUTCOME, False),
        (99, False),
    ],
)
def test_only_what_is_surely_undone_is_definite(reason: int, definite: bool) -> None:
    assert error_of(reason).definite is definite
