"""Which checks go through proxies, and where they are asked then."""

from __future__ import annotations

from lictor_agent.exposed_checks import ExposedChecks
from lictor_agent.local import LocalState
from lictor_agent.registrar import Registrar, ScriptPolicy
from lictor_config.definitions import CheckDefinition, parse_service
from lictor_core.clock import SystemClock
from lictor_core.records import ExposePath

PORTS = range(21_500, 21_503)


class Host:
    """An agent's local state, and what is exposed of it."""

    def __init__(self, ports: range = PORTS) -> None:
        self.local = LocalState()
        self.exposed = ExposedChecks(self.local, ports)
        policy = ScriptPolicy(from_files=True, from_api=True)
        self.registrar = Registrar(self.local, "judge", policy, range(21_000, 21_010), SystemClock())

    def register(self, *checks: dict[str, object], expose: object = None, port: int = 21_000) -> None:
        """A service with these checks, and a sidecar that exposes what is said."""
        proxy = {"Expose": expose or {"Checks": True}}
        sidecar = {"Port": port, "Proxy": proxy, "Checks": [{"TTL": "1h"}]}
        body = {"Name": "web", "Port": 8080, "Checks": list(checks), "Connect": {"SidecarService": sidecar}}
        self.registrar.register_service(parse_service(body), replace_existing_checks=True)

    def asked(self, check_id: str) -> CheckDefinition:
        definition = self.local.checks[check_id].definition
        assert definition is not None
        return self.exposed.through(check_id, definition)


HTTP: dict[str, object] = {"CheckID": "a", "HTTP": "http://127.0.0.1:8080/health?full=1", "Interval": "10s"}
GRPC: dict[str, object] = {"CheckID": "b", "GRPC": "127.0.0.1:9090/my.Service", "Interval": "10s"}


def test_http_and_grpc_checks_are_asked_at_the_proxy() -> None:
    host = Host()
    host.register(HTTP, GRPC)
    assert host.exposed.paths_of("web-sidecar-proxy") == [
        ExposePath(listener_port=21_500, path="/health", local_path_port=8080, protocol="http", parsed_from_check=True),
        ExposePath(
            listener_port=21_501,
            path="/grpc.health.v1.Health/Check",
            local_path_port=9090,
            protocol="http2",
            parsed_from_check=True,
        ),
    ]
    assert host.asked("a").http == "http://127.0.0.1:21500/health?full=1"
    assert host.asked("b").grpc == "127.0.0.1:21501/my.Service"


def test_checks_that_no_proxy_can_stand_before_are_asked_straight() -> None:
    host = Host()
    secure: dict[str, object] = {"CheckID": "s", "HTTP": "https://127.0.0.1:8443/health", "Interval": "10s"}
    tls: dict[str, object] = {**GRPC, "GRPCUseTLS": True}
    tcp: dict[str, object] = {"CheckID": "t", "TCP": "127.0.0.1:8080", "Interval": "10s"}
    host.register(secure, tls, tcp)
    assert host.exposed.paths_of("web-sidecar-proxy") == []
    for check_id in ("s", "b", "t"):
        assert host.asked(check_id) is host.local.checks[check_id].definition


def test_nothing_goes_through_a_proxy_that_does_not_say_so() -> None:
    host = Host()
    host.register(HTTP, expose={"Checks": False})
    assert host.asked("a") is host.local.checks["a"].definition


def test_a_check_keeps_its_port_while_others_come_and_go() -> None:
    host = Host()
    host.register(HTTP, GRPC)
    assert host.asked("b").grpc.startswith("127.0.0.1:21501")
    host.registrar.register_service(
        parse_service({"Name": "web", "Port": 8080, "Checks": [GRPC]}), replace_existing_checks=True
    )
    assert host.asked("b").grpc.startswith("127.0.0.1:21501")
    assert [path.listener_port for path in host.exposed.paths_of("web-sidecar-proxy")] == [21_501]


def test_a_check_that_asks_elsewhere_now_is_exposed_anew() -> None:
    host = Host()
    host.register(HTTP)
    assert host.exposed.paths_of("web-sidecar-proxy")[0].path == "/health"
    host.register({**HTTP, "HTTP": "http://127.0.0.1:8081/ready"})
    (path,) = host.exposed.paths_of("web-sidecar-proxy")
    assert (path.path, path.local_path_port, path.listener_port) == ("/ready", 8081, 21_500)


def test_ports_that_the_proxy_opens_already_are_left_alone() -> None:
    host = Host()
    paths = [{"Path": "/x", "ListenerPort": 21_500, "LocalPathPort": 8080}]
    host.register(HTTP, expose={"Checks": True, "Paths": paths}, port=21_501)
    assert host.asked("a").http == "http://127.0.0.1:21502/health?full=1"


def test_a_check_without_a_port_is_asked_straight() -> None:
    host = Host(range(21_500, 21_501))
    host.register(HTTP, GRPC)
    assert host.asked("a").http == "http://127.0.0.1:21500/health?full=1"
    assert host.asked("b") is host.local.checks["b"].definition


def test_a_status_that_changes_moves_nothing() -> None:
    host = Host()
    host.register(HTTP)
    before = host.asked("a")
    host.local.set_status("a", "passing", "fine", 1.0)
    assert host.asked("a") == before
