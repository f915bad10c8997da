"""Health and weights: of instances and of nodes."""

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


def _check(node: str, address: str, check: dict[str, Json]) -> Step:
    body: dict[str, Json] = {"Node": node, "Address": address, "Check": {"Name": "c", **check}}
    return Step(f"{check['CheckID']} at {node}", "PUT", "/v1/catalog/register", body)


def _weighted(passing: int, warning: int, port: int, name: str = "weighted") -> dict[str, Json]:
    return {"ID": f"{name}-{port}", "Service": name, "Port": port, "Weights": {"Passing": passing, "Warning": warning}}


def _asked(what: str, name: str, **differs: str) -> tuple[Question, Question]:
    return (
        Question(f"{what}, A", name, "A", "tcp"),
        Question(f"{what}, SRV", name, "SRV", "tcp", differs=differs),
    )


SCENARIO = DnsScenario(
    "health",
    "Which instances are given, and with which weight.",
    (
        instance("h1", "192.0.2.1", _weighted(7, 2, 1)),
        instance("h2", "192.0.2.2", _weighted(7, 2, 2), "warning"),
        instance("h3", "192.0.2.3", _weighted(7, 2, 3)),
        _check("h3", "192.0.2.3", {"CheckID": "disk", "Status": "warning"}),
        instance("h4", "192.0.2.4", _weighted(7, 2, 4)),
        _check("h4", "192.0.2.4", {"CheckID": "disk", "Status": "critical"}),
        instance("h5", "192.0.2.5", _weighted(7, 2, 5)),
        instance("h5", "192.0.2.5", {"Service": "other", "Port": 55}, "critical"),
        instance("h6", "192.0.2.6", _weighted(0, 0, 6, "light")),
        instance("h7", "192.0.2.7", _weighted(65535, 65535, 7, "heavy")),
        instance("h8", "192.0.2.8", _weighted(1, 0, 8, "unwanted"), "warning"),
        instance("h9", "192.0.2.9", _weighted(7, 2, 9, "maintained")),
        _check(
            "h9",
            "192.0.2.9",
            {
                "CheckID": "_service_maintenance:maintained-9",
                "Status": "critical",
                "ServiceID": "maintained-9",
            },
        ),
        instance("h10", "192.0.2.10", _weighted(7, 2, 10, "maintained")),
        instance("h11", "192.0.2.11", _weighted(7, 2, 11, "maintained")),
        _check("h11", "192.0.2.11", {"CheckID": "_node_maintenance", "Status": "critical"}),
        instance("h12", "192.0.2.12", _weighted(7, 2, 12, "relieved")),
        _check("h12", "192.0.2.12", {"CheckID": "_node_maintenance", "Status": "passing"}),
        instance("h13", "192.0.2.13", _weighted(7, 2, 13, "relieved")),
        _check("h13", "192.0.2.13", {"CheckID": "_service_maintenance:relieved-13", "Status": "warning"}),
        Step(
            "an instance without a check",
            "PUT",
            "/v1/catalog/register",
            {"Node": "h14", "Address": "192.0.2.14", "Service": {"Service": "unchecked", "Port": 14}},
        ),
        Step(
            "an instance with the weights that it gets",
            "PUT",
            "/v1/catalog/register",
            {
                "Node": "h15",
                "Address": "192.0.2.15",
                "Service": {"Service": "half", "Port": 15, "Weights": {"Passing": 5}},
                "Check": {"CheckID": "half", "Name": "c", "Status": "warning", "ServiceID": "half"},
            },
        ),
        instance("h16", "192.0.2.16", {"Service": "high", "Port": 70000}),
        instance("h17", "192.0.2.17", _weighted(7, 2, 17, "twice")),
        instance("h17", "192.0.2.17", _weighted(7, 2, 18, "twice"), "warning"),
    ),
    (
        *_asked("weights go with the health of instances and of nodes", "weighted.service.consul"),
        *_asked("a weight of nothing", "light.service.consul"),
        *_asked("the greatest weight", "heavy.service.consul"),
        *_asked("a warning weight of nothing", "unwanted.service.consul"),
        *_asked("instances and nodes in maintenance are left out", "maintained.service.consul"),
        *_asked("who passes or warns is in no maintenance", "relieved.service.consul"),
        *_asked("an instance without a check", "unchecked.service.consul"),
        *_asked("half of the weights", "half.service.consul"),
        *_asked("a port that is none", "high.service.consul", answer="Consul gives the port of somebody else"),
        *_asked(
            "two instances at one node, one of which warns",
            "twice.service.consul",
            additional="Consul says the same address twice",
        ),
        Question("a node whose check is critical", "h4.node.consul", "A"),
        Question("a node in maintenance", "h11.node.consul", "A"),
    ),
)
