"""Many answers in little room."""

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question

MANY = 40
FIVE = 5

_MANY_ADDRESSES = tuple(f" 198.51.100.{100 + number}" for number in range(MANY))
_FIVE_ADDRESSES = tuple(f" 192.0.2.{200 + number}" for number in range(FIVE))
_LONG = "long-name-of-a-service-that-fills-messages"

SCENARIO = DnsScenario(
    "limits",
    "Services with many instances, over UDP with and without EDNS, and over TCP.",
    (
        *(instance(f"f{number}", f"192.0.2.{200 + number}", {"Service": "five", "Port": 80}) for number in range(FIVE)),
        *(
            instance(f"m{number}", f"198.51.100.{100 + number}", {"Service": "many", "Port": 80})
            for number in range(MANY)
        ),
        *(
            instance(f"long-name-of-a-node-{number}", f"203.0.113.{number}", {"Service": _LONG, "Port": 80})
            for number in range(10)
        ),
    ),
    (
        Question("three of five over UDP without EDNS", "five.service.consul", "A", any_of=_FIVE_ADDRESSES),
        Question("five of five over UDP with EDNS", "five.service.consul", "A", payload=4096, any_of=_FIVE_ADDRESSES),
        Question("five of five over TCP", "five.service.consul", "A", "tcp"),
        Question(
            "as many of forty as EDNS has room for", "many.service.consul", "A", payload=4096, any_of=_MANY_ADDRESSES
        ),
        Question(
            "as many of forty as a small EDNS has room for",
            "many.service.consul",
            "A",
            payload=600,
            any_of=_MANY_ADDRESSES,
        ),
        Question(
            "an EDNS payload below 512 counts as 512", "many.service.consul", "A", payload=100, any_of=_MANY_ADDRESSES
        ),
        Question("three of forty without EDNS", "many.service.consul", "A", any_of=_MANY_ADDRESSES),
        Question("forty of forty over TCP", "many.service.consul", "A", "tcp"),
    ),
)
