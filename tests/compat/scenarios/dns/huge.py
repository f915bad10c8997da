"""A service with more instances than any message holds."""

from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

_NODES = 84
_ON_EACH_NODE = 50
"""Together more addresses than 65,535 bytes hold, at 16 bytes for each."""

_ANY = r"10\.\d+\.\d+\.\d+|0a[0-9a-f]{6}"
_MORE = "Lictor gives every answer that there is room for, then addresses; Consul leaves out an answer with its address"
_SILENT = {"*": "Consul's answer is longer than a packet can be, so that it sends none; Lictor's is not"}


def _instance(node: int, number: int) -> Json:
    service: dict[str, Json] = {"ID": f"huge-{number}", "Service": "huge", "Port": 80}
    service["Address"] = f"10.7.{node}.{number}"
    return {"Service": {"Verb": "set", "Node": f"node-{node:02}", "Service": service}}


def _transaction(node: int) -> Step:
    name = f"node-{node:02}"
    registered: Json = {"Node": {"Verb": "set", "Node": {"Node": name, "Address": f"192.0.2.{100 + node}"}}}
    instances = [_instance(node, number) for number in range(_ON_EACH_NODE)]
    return Step(f"instances at {name}", "PUT", "/v1/txn", [registered, *instances])


def _asked(kind: str, transport: str = "udp", payload: int | None = None, **differs: str) -> Question:
    how = transport if payload is None else f"{transport} {payload}"
    name = "huge.service.consul"
    return Question(f"{kind} {how}", name, kind, transport, payload, any_like=_ANY, differs=differs)


SCENARIO = DnsScenario(
    "huge",
    "More than 65,535 bytes.",
    tuple(_transaction(node) for node in range(_NODES)),
    (
        _asked("A", "tcp", answer=_MORE),
        _asked("SRV", "tcp", answer=_MORE, additional=_MORE),
        _asked("ANY", "tcp", answer=_MORE),
        _asked("TXT", "tcp", answer=_MORE),
        _asked("A"),
        _asked("SRV"),
        _asked("A", payload=4096),
        _asked("SRV", payload=4096, answer=_MORE, additional=_MORE),
        _asked("A", payload=65535, **_SILENT),
        _asked("SRV", payload=65535, answer=_MORE, additional=_MORE),
    ),
)
