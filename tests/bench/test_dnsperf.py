"""What dnsperf prints is taken only when every answer was one, and tells rates, losses and delays."""

import pytest

from lictor_bench.dnsperf import load_told

GOOD = """\
> NOERROR web.service.consul A 0.000200
> NOERROR web.service.consul SRV 0.000100
> NOERROR web.service.consul A 0.000400

Statistics:

  Queries sent:         4
  Queries completed:    3 (75.00%)
  Queries lost:         1 (25.00%)

  Response codes:       NOERROR 3 (100.00%)
  Average packet size:  request 36, response 177
  Run time (s):         2.000000
  Queries per second:   1.500000
"""


def test_the_rate_the_losses_and_the_delays_are_read() -> None:
    load = load_told(GOOD)
    assert (load.rate, load.lost, load.bytes_each) == (1.5, 1, 177)
    assert [load.delay_s(part) for part in (0.0, 0.5, 0.99)] == [0.0001, 0.0002, 0.0004]


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("NOERROR 3 (100.00%)", "NOERROR 2 (66.67%), SERVFAIL 1 (33.33%)"),
        ("NOERROR 3 (100.00%)", ""),
        ("NOERROR 3 (100.00%)", "NXDOMAIN 3 (100.00%)"),
        ("Run time", "time"),
    ],
)
def test_a_run_with_anything_but_answers_has_no_rate(what: str, instead: str) -> None:
    with pytest.raises(RuntimeError):
        load_told(GOOD.replace(what, instead))
