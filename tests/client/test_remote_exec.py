"""What `lictor exec` makes of the keys that nodes write."""

import json

import pytest

from lictor.cli.remote_exec import Answer, AnswerKind, Answers, event_payload, exit_code, job_value, output_lines

BELOW = "_rexec/s/"


def test_each_key_is_told_once_and_who_runs_is_counted() -> None:
    answers = Answers(BELOW)
    assert answers.news([f"{BELOW}job"]) == []
    assert answers.news([f"{BELOW}job", f"{BELOW}a/ack", f"{BELOW}b/ack"]) == [
        Answer("a", AnswerKind.ACKNOWLEDGED, f"{BELOW}a/ack"),
        Answer("b", AnswerKind.ACKNOWLEDGED, f"{BELOW}b/ack"),
    ]
    assert answers.some_run
    later = [f"{BELOW}a/ack", f"{BELOW}a/exit", f"{BELOW}a/out/00000", f"{BELOW}b/exit"]
    assert [(one.node, one.kind) for one in answers.news(later)] == [
        ("a", AnswerKind.EXITED),
        ("a", AnswerKind.OUTPUT),
        ("b", AnswerKind.EXITED),
    ]
    assert answers.news(later) == []
    assert (answers.acknowledged, answers.exited, answers.some_run) == (2, 2, False)


def test_the_name_of_a_node_may_have_slashes_and_be_a_word_of_the_protocol() -> None:
    answers = Answers(BELOW)
    keys = [f"{BELOW}x/out/out/00001", f"{BELOW}ack/ack", f"{BELOW}a/b/exit", f"{BELOW}a/other"]
    assert [(one.node, one.kind) for one in answers.news(keys)] == [
        ("x/out", AnswerKind.OUTPUT),
        ("ack", AnswerKind.ACKNOWLEDGED),
        ("a/b", AnswerKind.EXITED),
    ]


def test_jobs_and_events_are_written_as_consul_writes_them() -> None:
    assert json.loads(job_value(command="a 'b'", wait_s=2)) == {"Command": "a 'b'", "Wait": 2_000_000_000}
    assert json.loads(job_value(words=["a", "b"], wait_s=0.5)) == {"Args": ["a", "b"], "Wait": 500_000_000}
    assert json.loads(job_value(script=b"\x00a", wait_s=0)) == {"Script": "AGE=", "Wait": 0}
    assert json.loads(event_payload("p", "s")) == {"Prefix": "p", "Session": "s"}


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (b"a\n", b"    n: a\n    n:\n"),
        (b"a\n\nb", b"    n: a\n    n: \n    n: b\n"),
        (b"\n", b"    n: \n    n:\n"),
        (b"\xff", b"    n: \xff\n"),
    ],
)
def test_every_line_stands_under_its_node(output: bytes, shown: bytes) -> None:
    assert output_lines("n", output) == shown


@pytest.mark.parametrize(("value", "code"), [(b"0", 0), (b"255\n", 255), (b"", None), (None, None), (b"x", None)])
def test_an_exit_code_is_a_number(value: bytes | None, code: int | None) -> None:
    assert exit_code(value) == code
