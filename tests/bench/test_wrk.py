"""What wrk prints is taken only when nothing failed, and what it is told to write is what was asked for."""

from pathlib import Path

import pytest

from lictor_bench.wrk import puts, rate_told

GOOD = "  12 requests in 1.00s\nRequests/sec:  19.40\nTransfer/sec: 1KB\n"


def test_the_rate_is_read() -> None:
    assert rate_told(GOOD, "x") == 19.4


@pytest.mark.parametrize(
    "output",
    [
        "  Non-2xx or 3xx responses: 3\n" + GOOD,
        "  Socket errors: connect 0, read 2, write 0, timeout 0\n" + GOOD,
        "unable to connect\n",
    ],
)
def test_a_run_in_which_anything_failed_has_no_rate(output: str) -> None:
    with pytest.raises(RuntimeError):
        rate_told(output, "x")


def test_a_script_for_writes_names_its_keys_and_the_size_of_a_value(tmp_path: Path) -> None:
    lines = puts(tmp_path, keys=1000, value_bytes=64).read_text().splitlines()
    assert 'local value = string.rep("v", 64)' in lines
    assert '  return wrk.format("PUT", "/v1/kv/bench/" .. (count % 1000), nil, value)' in lines
