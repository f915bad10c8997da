"""Playbooks of connections into the mesh."""

from lictor_connect_proxy.commands import Command, DialInstance, Report, StartRelay
from lictor_connect_proxy.events import InstanceFailed, InstanceReached, LocalAccepted
from lictor_connect_proxy.layers.balance import ATTEMPTS_MAX, Balancer
from lictor_connect_proxy.layers.outbound import OutboundLayer
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Accepted
from tests.connect_proxy.build import NOW, certificate, endpoint, service_id

ROUTE = UpstreamRoute(service_id("db"), "db.sni", 10.0)
DB = InstanceReached(certificate(service_id("db").uri()), NOW, 1.0)
IMPOSTOR = InstanceReached(certificate(service_id("api").uri()), NOW, 1.0)


def _layer(instances: int) -> tuple[OutboundLayer, Balancer]:
    balancer = Balancer()
    balancer.update(endpoint(number) for number in range(instances))
    return OutboundLayer(Accepted("127.0.0.1:4000"), ROUTE, balancer), balancer


def _names(commands: list[Command]) -> list[str]:
    return [command.event if isinstance(command, Report) else type(command).__name__ for command in commands]


def test_an_instance_that_proves_itself_is_relayed_to() -> None:
    layer, _ = _layer(1)
    assert layer.handle(LocalAccepted(0.0)) == [DialInstance(endpoint(0), ROUTE)]
    assert layer.handle(DB) == [StartRelay(ROUTE)]


def test_the_next_instance_is_dialed_when_one_fails() -> None:
    layer, balancer = _layer(2)
    layer.handle(LocalAccepted(0.0))
    commands = layer.handle(InstanceFailed("refused", 0.5))
    assert _names(commands) == ["proxy.instance.failed", "DialInstance"]
    assert commands[-1] == DialInstance(endpoint(1), ROUTE)
    assert balancer.is_ejected(endpoint(0), 0.6)
    assert not balancer.is_ejected(endpoint(1), 0.6)


def test_an_instance_that_is_somebody_else_gets_no_bytes() -> None:
    layer, balancer = _layer(2)
    layer.handle(LocalAccepted(0.0))
    assert _names(layer.handle(IMPOSTOR)) == ["proxy.instance.misidentified", "DialInstance"]
    assert balancer.is_ejected(endpoint(0), 1.1)


def test_the_connection_is_cut_when_no_instance_is_left() -> None:
    layer, _ = _layer(1)
    layer.handle(LocalAccepted(0.0))
    failed = layer.handle(InstanceFailed("refused", 0.5))
    assert _names(failed) == ["proxy.instance.failed", "proxy.upstream.unavailable", "Abort"]


def test_without_instances_the_connection_is_cut_at_once() -> None:
    layer, _ = _layer(0)
    assert _names(layer.handle(LocalAccepted(0.0))) == ["proxy.upstream.unavailable", "Abort"]


def test_attempts_are_bounded() -> None:
    layer, _ = _layer(ATTEMPTS_MAX * 3)
    commands = layer.handle(LocalAccepted(0.0))
    dials = 0
    while isinstance(commands[-1], DialInstance):
        dials += 1
        commands = layer.handle(InstanceFailed("refused", 0.5))
    assert dials == ATTEMPTS_MAX


def test_events_that_come_too_late_command_nothing() -> None:
    layer, _ = _layer(1)
    assert layer.handle(DB) == []
    assert layer.handle(InstanceFailed("late", 0.0)) == []
