"""Many addresses behind one host name of the zone: as many as a client without EDNS would get of them by UDP."""

from collections.abc import Mapping

from tests.compat.scenarios.dns.registrations import instance, node
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json

_MANY = 12
_ADDRESS = r" A 10\.0\.1\.\d+"
_HOW = (
    ("over UDP", "udp", None),
    ("over UDP with EDNS", "udp", 4096),
    ("over TCP", "tcp", None),
    ("over TCP with EDNS", "tcp", 4096),
)


def _questions() -> tuple[Question, ...]:
    return tuple(
        Question(f"{name} {kind} {how}", name, kind, transport, payload, any_like=_ADDRESS)
        for name in ("alias.service.consul", "alias-of-alias.service.consul", "via.node.consul")
        for kind in ("A", "ANY", "SRV")
        for how, transport, payload in _HOW
    )


def _scenario(area: str, about: str, **settings: Json) -> DnsScenario:
    config: Mapping[str, Json] = {"dns_config": settings} if settings else {}
    aliases = (
        instance("n1", "10.0.1.1", {"Service": "alias", "Port": 9, "Address": "web.service.consul"}),
        instance("n1", "10.0.1.1", {"Service": "alias-of-alias", "Port": 9, "Address": "alias.service.consul"}),
        node("via", "web.service.consul"),
    )
    many = (
        instance(f"n{number}", f"10.0.1.{number}", {"Service": "web", "Port": 80}) for number in range(1, _MANY + 1)
    )
    return DnsScenario(area, about, (*many, *aliases), _questions(), config)


SCENARIOS = (
    _scenario("behind", "Many addresses behind one host name."),
    _scenario("behind_many", "The same, with a high udp_answer_limit.", udp_answer_limit=20),
    _scenario("behind_one", "The same, with an udp_answer_limit of one.", udp_answer_limit=1),
)
