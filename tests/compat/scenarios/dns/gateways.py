"""Gateways: by `ingress`, and by `connect` for services outside of the mesh."""

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


def _entry(name: str, **fields: Json) -> Step:
    return Step(name, "PUT", "/v1/config", fields)


SCENARIO = DnsScenario(
    "gateways",
    "What lets in, and what lets out.",
    (
        _entry(
            "two services behind a gateway",
            Kind="ingress-gateway",
            Name="gw",
            Listeners=[
                {"Port": 8080, "Protocol": "tcp", "Services": [{"Name": "web"}]},
                {"Port": 8081, "Protocol": "tcp", "Services": [{"Name": "Api"}]},
            ],
        ),
        _entry(
            "a service behind a gateway that does not run",
            Kind="ingress-gateway",
            Name="later",
            Listeners=[{"Port": 8090, "Protocol": "tcp", "Services": [{"Name": "early"}]}],
        ),
        _entry("the way out", Kind="terminating-gateway", Name="tg", Services=[{"Name": "legacy"}, {"Name": "db"}]),
        instance("g1", "192.0.2.1", {"Service": "gw", "Kind": "ingress-gateway", "Port": 8443}),
        instance(
            "g2",
            "192.0.2.2",
            {
                "Service": "gw",
                "Kind": "ingress-gateway",
                "Port": 8444,
                "Address": "192.0.2.22",
                "Tags": ["edge"],
                "Weights": {"Passing": 8, "Warning": 3},
            },
            "warning",
        ),
        instance("g3", "192.0.2.3", {"Service": "gw", "Kind": "ingress-gateway", "Port": 8445}, "critical"),
        instance("g4", "192.0.2.4", {"Service": "tg", "Kind": "terminating-gateway", "Port": 9443}),
        instance("g5", "192.0.2.5", {"Service": "legacy", "Port": 8005}),
        instance("g6", "192.0.2.6", {"Service": "web", "Port": 8006}),
        instance(
            "g6",
            "192.0.2.6",
            {
                "ID": "db-proxy",
                "Service": "db-proxy",
                "Kind": "connect-proxy",
                "Port": 9006,
                "Proxy": {"DestinationServiceName": "db"},
            },
        ),
        instance("g7", "192.0.2.7", {"Service": "db", "Port": 8007, "Connect": {"Native": True}}),
        instance("g8", "192.0.2.8", {"Service": "mg", "Kind": "mesh-gateway", "Port": 8008}),
    ),
    (
        Question("the gateways that let in to a service", "web.ingress.consul", "A"),
        Question("the gateways that let in to a service, SRV", "web.ingress.consul", "SRV"),
        Question("the gateways that let in to a service, ANY", "web.ingress.consul", "ANY"),
        Question("the gateways that let in to a service, AAAA", "web.ingress.consul", "AAAA"),
        Question("ingress with the datacenter", "web.ingress.dc1.consul", "A"),
        Question("ingress with an unknown datacenter", "web.ingress.elsewhere.consul", "A"),
        Question("ingress with two labels behind", "web.ingress.a.b.consul", "A"),
        Question("ingress with a tag", "edge.web.ingress.consul", "A"),
        Question("ingress in capitals", "WEB.INGRESS.CONSUL", "A"),
        Question("ingress to a service that is not there", "api.ingress.consul", "SRV"),
        Question("ingress to a service that no gateway has", "legacy.ingress.consul", "A"),
        Question("ingress by a gateway that does not run", "early.ingress.consul", "A"),
        Question("ingress to nobody", "nobody.ingress.consul", "SRV"),
        Question("ingress to the gateway itself", "gw.ingress.consul", "A"),
        Question("ingress without a name", "ingress.consul", "A"),
        Question("ingress of RFC 2782", "_web._tcp.ingress.consul", "SRV"),
        Question("the gateway by its own name", "gw.service.consul", "SRV"),
        Question("the gateway by its tag", "edge.gw.service.consul", "SRV"),
        Question("the way out to a service", "legacy.connect.consul", "SRV"),
        Question("the way out to a service, A", "legacy.connect.consul", "A"),
        Question("a proxy, a native instance and the way out", "db.connect.consul", "SRV"),
        Question("a service behind the way out by its own name", "legacy.service.consul", "SRV"),
        Question("the way out by its own name", "tg.service.consul", "SRV"),
        Question("the way out by connect", "tg.connect.consul", "SRV"),
        Question("the gateway by connect", "gw.connect.consul", "SRV"),
        Question("the proxy by connect", "db-proxy.connect.consul", "SRV"),
        Question("a gateway of the mesh", "mg.service.consul", "SRV"),
        Question("a gateway of the mesh by connect", "mg.connect.consul", "SRV"),
        Question("connect in an unknown datacenter", "db.connect.elsewhere.consul", "SRV"),
        Question("connect of RFC 2782", "_db._tcp.connect.consul", "SRV"),
    ),
)
