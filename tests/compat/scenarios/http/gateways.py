"""Ingress and terminating gateways: their entries, the services behind them, and where they stand in for services."""

from tests.compat.scenarios.http.entries import CONFIG, put, refused
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

INGRESS, TERMINATING = "ingress-gateway", "terminating-gateway"
BEHIND = "/v1/catalog/gateway-services"

_LISTENER = "Consul refuses such a listener when it is written, and lets it come to be this way"
_PORT = "no listener can have such a port"
_WILDCARD = (
    "once a service is registered that the entry names, Consul lets `*` take the place of what the entry says of it: "
    "its certificate is lost"
)


def listens(
    fact: str, *services: Json, protocol: str = "http", differs: dict[str, str] | None = None, tls: bool = False
) -> Step:
    """Write an ingress gateway with one listener."""
    listener: dict[str, Json] = {"Port": 80, "Protocol": protocol, "Services": list(services)}
    encrypted: Json = {"Enabled": tls}
    return put(fact, INGRESS, "gw", Listeners=[listener], TLS=encrypted, differs=differs)


def links(fact: str, *services: Json) -> Step:
    """Write a terminating gateway."""
    return put(fact, TERMINATING, "tg", Services=list(services))


def host(fact: str, name: str, *, tls: bool = False) -> Step:
    """Write an ingress gateway with one host."""
    return listens(fact, {"Name": "a", "Hosts": [name]}, tls=tls)


def register(fact: str, node: str, **service: Json) -> Step:
    """Register an instance."""
    body: dict[str, Json] = {"Node": node, "Address": "192.0.2.1", "Service": dict(service)}
    return Step(fact, "PUT", "/v1/catalog/register", body)


def deregister(fact: str, node: str, service: str) -> Step:
    """Remove an instance."""
    return Step(fact, "PUT", "/v1/catalog/deregister", {"Node": node, "ServiceID": service})


def stand_in() -> tuple[Step, ...]:
    """Who takes connections for each service."""
    return tuple(
        Step(f"{path} of {service}", "GET", f"/v1/{path}/{service}")
        for path in ("health/connect", "catalog/connect", "health/ingress")
        for service in ("a", "web", "native", "tg", "gw", "zz", "nothere")
    )


_NAMED: dict[str, Json] = {"Name": "a", "SNI": "s", "CAFile": "c", "CertFile": "d", "KeyFile": "k"}

SCENARIO = Scenario(
    "gateways",
    "Gateways into the mesh and out of it.",
    (
        put("a gateway without anything", INGRESS, "gw"),
        Step("an empty gateway", "GET", f"{CONFIG}/{INGRESS}/gw"),
        put("a gateway without a name", INGRESS, ""),
        put("a listener without anything", INGRESS, "gw", Listeners=[{}]),
        put("a listener without services", INGRESS, "gw", Listeners=[{"Port": 80, "Services": []}]),
        put("a listener of tcp", INGRESS, "gw", Listeners=[{"Port": 80, "Services": [{"Name": "web"}]}]),
        Step("tcp by default", "GET", f"{CONFIG}/{INGRESS}/gw"),
        Step("what is behind it", "GET", f"{BEHIND}/gw"),
        listens("a service of another protocol", {"Name": "web"}),
        listens("an unknown protocol", {"Name": "web"}, protocol="bogus"),
        listens("two services on tcp", {"Name": "web"}, {"Name": "a"}, protocol="tcp"),
        listens("all services on tcp", {"Name": "*"}, protocol="tcp"),
        listens("a service without a name", {"Name": ""}, protocol="tcp"),
        listens("a host on tcp", {"Name": "web", "Hosts": ["a.com"]}, protocol="tcp"),
        put(
            "two listeners on a port",
            INGRESS,
            "gw",
            Listeners=[{"Port": 80, "Services": [{"Name": "web"}]}, {"Port": 80, "Services": [{"Name": "api"}]}],
        ),
        put(
            "a listener in use keeps all services from turning to http",
            "proxy-defaults",
            "global",
            Config={"protocol": "http"},
            differs=refused(_LISTENER),
        ),
        put("nothing behind the gateway", INGRESS, "gw"),
        put("all services speak http", "proxy-defaults", "global", Config={"protocol": "http"}),
        listens("tcp for a service that speaks http", {"Name": "web"}, protocol="tcp"),
        listens("all services", {"Name": "*"}),
        listens("all services by a host", {"Name": "*", "Hosts": ["a"]}),
        listens("a host of two services", {"Name": "a", "Hosts": ["x.com"]}, {"Name": "b", "Hosts": ["x.com"]}),
        listens("a host twice", {"Name": "a", "Hosts": ["x.com", "x.com"]}),
        host("any host", "*"),
        host("any host below", "*.com"),
        host("any host in the middle", "a.*.com"),
        host("any host as a part", "x*.com"),
        host("any host with a port", "*:8080"),
        host("an empty host", ""),
        host("a host with a port", "a.com:80"),
        host("any host with TLS", "*", tls=True),
        host("any host below with TLS", "*.a.com", tls=True),
        put(
            "protocols of listeners",
            INGRESS,
            "gw",
            Listeners=[{"Port": 81, "Protocol": "http2", "Services": [{"Name": "b"}]}],
        ),
        put(
            "a port below zero",
            INGRESS,
            "gw",
            differs=refused(_PORT),
            Listeners=[{"Port": -1, "Protocol": "http", "Services": [{"Name": "a"}]}],
        ),
        put(
            "a port that is too large",
            INGRESS,
            "gw",
            differs=refused(_PORT),
            Listeners=[{"Port": 70000, "Protocol": "http", "Services": [{"Name": "a"}]}],
        ),
        put(
            "a gateway in snake case",
            INGRESS,
            "gw",
            tls={"enabled": True},
            meta={"a": "b"},
            listeners=[{"port": 80, "protocol": "HTTP", "services": [{"name": "a", "hosts": "x.com"}, {"name": "b"}]}],
        ),
        Step("all of a gateway", "GET", f"{CONFIG}/{INGRESS}"),
        Step("two services behind it", "GET", f"{BEHIND}/gw"),
        Step("a gateway that is not there", "GET", f"{BEHIND}/nothere"),
        Step("no gateway", "GET", f"{BEHIND}/"),
        Step("behind a gateway elsewhere", "GET", f"{BEHIND}/gw?dc=elsewhere"),
        Step("what is behind takes no POST", "POST", f"{BEHIND}/gw"),
        put("a name belongs to one kind of gateway", TERMINATING, "gw"),
        put("a way out without anything", TERMINATING, "tg"),
        Step("an empty way out", "GET", f"{CONFIG}/{TERMINATING}/tg"),
        links("a linked service without a name", {}),
        links("a linked service twice", {"Name": "a"}, {"Name": "a"}),
        links("a CA alone", {"Name": "a", "CAFile": "ca"}),
        links("a certificate alone", {"Name": "a", "CertFile": "c"}),
        links("a key alone", {"Name": "a", "KeyFile": "k"}),
        links("a certificate without a CA", {"Name": "a", "CertFile": "c", "KeyFile": "k"}),
        links("a name to ask for", {"Name": "a", "SNI": "s"}),
        put(
            "a way out in snake case",
            TERMINATING,
            "tg",
            services=[{"name": "a", "sni": "s", "ca_file": "c", "cert_file": "d", "key_file": "k"}],
        ),
        Step("all of a way out", "GET", f"{CONFIG}/{TERMINATING}/tg"),
        Step("what is outside", "GET", f"{BEHIND}/tg"),
        links("one by name, and all", _NAMED, {"Name": "*", "CAFile": "w"}),
        Step("a wildcard means what exists", "GET", f"{BEHIND}/tg"),
        register("a service comes", "n1", Service="web", Port=5),
        register("a native service comes", "n1", Service="native", Port=6, Connect={"Native": True}),
        register(
            "a proxy comes",
            "n1",
            Service="web-proxy",
            Kind="connect-proxy",
            Port=8,
            Proxy={"DestinationServiceName": "web"},
        ),
        Step("what came is behind the gateway", "GET", f"{BEHIND}/tg"),
        register("the named service comes", "n1", Service="a", Port=6),
        Step(
            "the named service keeps what the entry says",
            "GET",
            f"{BEHIND}/tg",
            differs={
                f"body.0.{name}": _WILDCARD
                for name in ("CAFile", "CertFile", "KeyFile", "SNI", "FromWildcard", "ModifyIndex")
            },
        ),
        listens("all, and one by host", {"Name": "*"}, {"Name": "zz", "Hosts": ["q"]}),
        Step("all that exist, and one by host", "GET", f"{BEHIND}/gw"),
        register("the gateway runs", "n2", Service="gw", Kind="ingress-gateway", Port=8),
        register("the way out runs", "n2", Service="tg", Kind="terminating-gateway", Port=9),
        Step("gateways are behind no gateway", "GET", f"{BEHIND}/gw"),
        *stand_in(),
        Step("ingress with passing checks", "GET", "/v1/health/ingress/zz?passing"),
        Step("ingress of no service", "GET", "/v1/health/ingress/"),
        Step("ingress takes no PUT", "PUT", "/v1/health/ingress/a"),
        Step("ingress elsewhere", "GET", "/v1/health/ingress/a?dc=elsewhere"),
        Step(
            "a check of the gateway fails",
            "PUT",
            "/v1/catalog/register",
            {
                "Node": "n2",
                "Address": "192.0.2.1",
                "Check": {"Node": "n2", "CheckID": "c", "Name": "c", "Status": "critical", "ServiceID": "gw"},
            },
        ),
        Step("ingress with its failed check", "GET", "/v1/health/ingress/zz"),
        Step("no ingress that passes", "GET", "/v1/health/ingress/zz?passing"),
        Step("a wait for what is behind", "GET", f"{BEHIND}/gw", save={"index": "header:X-Consul-Index"}),
        Step(
            "what goes wakes who waits",
            "GET",
            f"{BEHIND}/gw?index=$index&wait=10s",
            during=(deregister("a service goes", "n1", "native"),),
        ),
        deregister("the named service goes", "n1", "a"),
        Step("what went is not behind it any more", "GET", f"{BEHIND}/gw"),
        deregister("the first service goes", "n1", "web"),
        Step("its proxy is no service", "GET", f"{BEHIND}/gw"),
        Step("the defaults that a listener needs cannot be deleted", "DELETE", f"{CONFIG}/proxy-defaults/global"),
        Step("the way out can be deleted", "DELETE", f"{CONFIG}/{TERMINATING}/tg"),
        Step("nothing is outside", "GET", f"{BEHIND}/tg"),
        Step("its proxy alone takes connections", "GET", "/v1/health/connect/web"),
        Step("the gateway can be deleted", "DELETE", f"{CONFIG}/{INGRESS}/gw"),
        Step("no ingress is left", "GET", "/v1/health/ingress/zz"),
    ),
)
