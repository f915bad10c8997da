"""What wrk prints is taken only when nothing failed."""

import pytest

from lictor_bench.wrk import rate_told

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
