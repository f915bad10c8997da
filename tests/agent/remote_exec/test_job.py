"""What others write that something be run."""

import pytest

from lictor_agent.remote_exec.job import Call, Job, read_call, read_job
from lictor_core.errors import RequestError

SESSION = "1344b3f1-3b8b-1363-1a57-a512c14b8da9"


def test_a_call_names_the_keys_of_both_sides() -> None:
    call = read_call(f'{{"Prefix":"_rexec","Session":"{SESSION}"}}'.encode())
    assert call == Call(prefix="_rexec", session=SESSION)
    assert call.job_key() == f"_rexec/{SESSION}/job"
    assert call.key("n1", "exit") == f"_rexec/{SESSION}/n1/exit"
    assert call.output_key("n1", 0) == f"_rexec/{SESSION}/n1/out/00000"
    assert call.output_key("n1", 27) == f"_rexec/{SESSION}/n1/out/0001b"


@pytest.mark.parametrize(
    "payload",
    [
        None,
        b"",
        b"x",
        b"{}",
        b"[]",
        b'{"Prefix":"","Session":"s"}',
        b'{"Prefix":"p","Session":""}',
        b'{"Prefix":"p","Session":"a/b"}',
        b'{"Prefix":1,"Session":"s"}',
    ],
)
def test_a_payload_that_names_no_place_is_refused(payload: bytes | None) -> None:
    with pytest.raises(RequestError):
        read_call(payload)


@pytest.mark.parametrize(
    ("value", "job"),
    [
        (b'{"Command":"echo \\u003e","Wait":3000000000}', Job(command="echo >", wait=3_000_000_000)),
        (b'{"Args":["sleep","1"],"Wait":1000000000}', Job(args=["sleep", "1"], wait=1_000_000_000)),
        (b'{"Script":"c2xlZXAgMQo=","Wait":0}', Job(script=b"sleep 1\n")),
        (b'{"Command":"x","Args":null,"Script":null,"Later":1}', Job(command="x")),
    ],
)
def test_a_job_is_read_as_consul_writes_it(value: bytes, job: Job) -> None:
    assert read_job(value) == job


@pytest.mark.parametrize("value", [None, b"", b"x", b"[]", b'{"Command":1}', b'{"Script":"!"}', b'{"Args":"ls"}'])
def test_a_job_that_is_none_is_refused(value: bytes | None) -> None:
    with pytest.raises(RequestError):
        read_job(value)


@pytest.mark.parametrize(("wait", "wait_s"), [(0, 0.2), (-5, 0.2), (1_500_000_000, 1.5), (10**18, 600.0)])
def test_silence_is_borne_within_bounds(wait: int, wait_s: float) -> None:
    assert Job(wait=wait).wait_s == wait_s
