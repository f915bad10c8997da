"""Playbooks of connections into the mesh, and a simulation of instances that fail."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.commands import Abort, Command, Count, DialInstance, Report, StartRelay
from lictor_connect_proxy.events import ConnectionEnded, InstanceFailed, InstanceReached, LocalAccepted
from lictor_connect_proxy.layers.balance import ATTEMPTS_MAX
from lictor_connect_proxy.layers.outbound import OutboundLayer
from lictor_connect_proxy.layers.stages import Accepted
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.layers.upstream import Upstream
from lictor_connect_proxy.snapshot import Endpoint, PassiveHealth, ProxySnapshot, UpstreamListener
from lictor_core.clock import SeededRng
from tests.connect_proxy.build import NOW, certificate, endpoint, service_id, snapshot
from tests.connect_proxy.chains import chain_of, chained, failover, router

LISTENER = UpstreamListener(service="db", bind_port=9191)
DB = InstanceReached(certificate(service_id("db").uri()), NOW, 1.0)
IMPOSTOR = InstanceReached(certificate(service_id("api").uri()), NOW, 1.0)
OWN, SPARE = "db.default.dc1", "spare.default.dc1"


def _snapshot(endpoints: Iterable[Endpoint]) -> ProxySnapshot:
    known = {LISTENER.key: tuple(endpoints)}
    return msgspec.structs.replace(snapshot(service="web"), upstreams=(LISTENER,), endpoints=known)


def _upstream(found: ProxySnapshot, seed: int = 1) -> Upstream:
    upstream = Upstream(LISTENER, SeededRng(seed))
    upstream.apply(found, LISTENER)
    return upstream


def _plain(instances: int, seed: int = 1) -> Upstream:
    return _upstream(_snapshot(endpoint(number) for number in range(instances)), seed)


def _failing_over(own: int, spare: int) -> Upstream:
    instances = {
        OWN: tuple(endpoint(number) for number in range(own)),
        SPARE: tuple(endpoint(100 + number) for number in range(spare)),
    }
    return _upstream(chained(_snapshot(()), chain_of("db", failover("db", "spare")), instances))


def _layer(upstream: Upstream) -> OutboundLayer:
    return OutboundLayer(Accepted("127.0.0.1:4000"), upstream)


def _names(commands: list[Command]) -> list[str]:
    return [command.event if isinstance(command, Report) else type(command).__name__ for command in commands]


def _dialed(commands: list[Command]) -> Endpoint:
    last = commands[-1]
    assert isinstance(last, DialInstance)
    return last.endpoint


def test_an_instance_that_proves_itself_is_relayed_to() -> None:
    layer = _layer(_plain(1))
    (dial,) = layer.handle(LocalAccepted(0.0))
    assert isinstance(dial, DialInstance)
    assert dial.endpoint == endpoint(0)
    assert layer.handle(DB) == [StartRelay(dial.route)]
    assert layer.instance == endpoint(0)


def test_the_next_instance_is_dialed_when_one_fails() -> None:
    upstream = _plain(2)
    layer = _layer(upstream)
    first = _dialed(layer.handle(LocalAccepted(0.0)))
    commands = layer.handle(InstanceFailed("refused", 0.5))
    assert _names(commands) == ["proxy.instance.failed", "Count", "Count", "DialInstance"]
    assert [one.counted for one in commands if isinstance(one, Count)] == [Counted.INSTANCE_FAILED, Counted.EJECTED]
    assert _dialed(commands) != first
    (balancer,) = upstream.balancers().values()
    assert balancer.is_ejected(first, 0.6)
    assert not balancer.is_ejected(_dialed(commands), 0.6)


def test_an_instance_that_is_somebody_else_gets_no_bytes() -> None:
    upstream = _plain(2)
    layer = _layer(upstream)
    first = _dialed(layer.handle(LocalAccepted(0.0)))
    commands = layer.handle(IMPOSTOR)
    assert _names(commands) == ["proxy.instance.misidentified", "Count", "Count", "DialInstance"]
    assert upstream.balancers()[""].is_ejected(first, 1.1)


def test_the_connection_is_cut_when_no_instance_is_left() -> None:
    layer = _layer(_plain(1))
    layer.handle(LocalAccepted(0.0))
    failed = layer.handle(InstanceFailed("refused", 0.5))
    assert _names(failed)[-3:] == ["proxy.upstream.unavailable", "Count", "Abort"]


def test_without_instances_the_connection_is_cut_at_once() -> None:
    commands = _layer(_plain(0)).handle(LocalAccepted(0.0))
    assert _names(commands) == ["proxy.upstream.unavailable", "Count", "Abort"]
    assert isinstance(commands[0], Report)
    assert commands[0].keys["reason"] == "no healthy instance is known"


def test_attempts_are_bounded() -> None:
    layer = _layer(_plain(ATTEMPTS_MAX * 3))
    commands = layer.handle(LocalAccepted(0.0))
    dialed: list[Endpoint] = []
    while isinstance(commands[-1], DialInstance):
        dialed.append(commands[-1].endpoint)
        commands = layer.handle(InstanceFailed("refused", 0.5))
    assert len(dialed) == len(set(dialed)) == ATTEMPTS_MAX


def test_events_that_come_too_late_command_nothing() -> None:
    layer = _layer(_plain(1))
    assert layer.handle(DB) == []
    assert layer.handle(InstanceFailed("late", 0.0)) == []
    assert layer.handle(ConnectionEnded()) == []


def test_what_needs_a_proxy_for_http_is_not_served_by_half() -> None:
    upstream = _upstream(chained(_snapshot(()), chain_of("db", *router("db", "/admin")), {OWN: (endpoint(0),)}))
    commands = _layer(upstream).handle(LocalAccepted(0.0))
    assert isinstance(commands[0], Report)
    assert "service-router db" in str(commands[0].keys["reason"])
    assert commands[-1] == Abort()


@pytest.mark.parametrize("reached", [True, False])
def test_an_instance_is_given_back_at_the_end_once(reached: bool) -> None:
    upstream = _plain(1)
    layer = _layer(upstream)
    layer.handle(LocalAccepted(0.0))
    if reached:
        layer.handle(DB)
    assert upstream.balancers()[""].active(endpoint(0)) == 1
    layer.handle(ConnectionEnded())
    layer.handle(ConnectionEnded())
    assert upstream.balancers()[""].active(endpoint(0)) == 0


def test_an_instance_that_failed_is_given_back_at_once() -> None:
    upstream = _plain(1)
    layer = _layer(upstream)
    layer.handle(LocalAccepted(0.0))
    layer.handle(InstanceFailed("refused", 0.5))
    assert upstream.balancers()[""].active(endpoint(0)) == 0
    layer.handle(ConnectionEnded())
    assert upstream.balancers()[""].active(endpoint(0)) == 0


def test_the_failover_target_serves_when_the_first_has_no_instance_and_must_be_itself() -> None:
    layer = _layer(_failing_over(0, 1))
    assert _dialed(layer.handle(LocalAccepted(0.0))) == endpoint(100)
    spare = InstanceReached(certificate(service_id("spare").uri()), NOW, 1.0)
    commands = layer.handle(spare)
    assert _names(commands) == ["proxy.upstream.failed_over", "Count", "StartRelay"]
    assert Count(Counted.FAILED_OVER, "db") in commands
    layer = _layer(_failing_over(0, 1))
    layer.handle(LocalAccepted(0.0))
    assert "proxy.instance.misidentified" in _names(layer.handle(DB))


def test_while_the_first_target_is_good_the_failover_target_gets_nothing() -> None:
    upstream = _failing_over(2, 5)
    for _ in range(20):
        layer = _layer(upstream)
        assert _dialed(layer.handle(LocalAccepted(0.0))) in (endpoint(0), endpoint(1))
        layer.handle(DB)
        layer.handle(ConnectionEnded())


def test_who_finds_all_of_the_first_target_dead_gets_to_the_next_within_the_attempts() -> None:
    layer = _layer(_failing_over(10, 1))
    commands = layer.handle(LocalAccepted(0.0))
    for _ in range(ATTEMPTS_MAX - 1):
        assert _dialed(commands) != endpoint(100)
        commands = layer.handle(InstanceFailed("refused", 0.0))
    assert _dialed(commands) == endpoint(100)


def test_a_failover_and_its_end_are_told_once() -> None:
    upstream = _failing_over(1, 1)
    spare = InstanceReached(certificate(service_id("spare").uri()), NOW, 1.0)
    told: list[str] = []
    layer = _layer(upstream)
    layer.handle(LocalAccepted(0.0))
    layer.handle(InstanceFailed("refused", 0.5))
    told += _names(layer.handle(spare))
    for at in (1.1, 1.2):
        layer = _layer(upstream)
        assert _dialed(layer.handle(LocalAccepted(at))) == endpoint(100)
        told += _names(layer.handle(_at(spare, at)))
    late = _layer(upstream)
    late.handle(LocalAccepted(1.3))
    for at in (2.0, 2.1):
        layer = _layer(upstream)
        assert _dialed(layer.handle(LocalAccepted(at))) == endpoint(0)
        told += _names(layer.handle(_at(DB, at)))
    told += _names(late.handle(_at(spare, 2.2)))
    assert told.count("Count") == 4, "each connection that the failover target served"
    assert [name for name in told if name not in ("StartRelay", "Count")] == [
        "proxy.upstream.failed_over",
        "proxy.upstream.recovered",
    ]


def _at(reached: InstanceReached, at: float) -> InstanceReached:
    """The same at another time."""
    return InstanceReached(reached.certificate, reached.now, at)


def test_a_panic_is_told_once_until_an_instance_is_reached() -> None:
    upstream, dialed_in_need = _plain(1), 0
    names: list[str] = []
    for at, works in ((0.0, False), (0.1, False), (0.2, False), (0.3, True), (0.4, False), (0.5, False)):
        layer = _layer(upstream)
        begun = layer.handle(LocalAccepted(at))
        names += _names(begun)
        dialed_in_need += begun.count(Count(Counted.PANICKED, "db"))
        names += _names(layer.handle(_at(DB, at) if works else InstanceFailed("refused", at)))
        layer.handle(ConnectionEnded())
    assert names.count("proxy.upstream.panicked") == 2
    assert dialed_in_need == 4
    assert names.count("DialInstance") == 6


def test_failures_below_the_bound_of_the_registration_put_nobody_aside() -> None:
    patient = msgspec.structs.replace(LISTENER, passive_health=PassiveHealth(failures_max=2))
    upstream = Upstream(patient, SeededRng(1))
    upstream.apply(_snapshot([endpoint(0)]), patient)
    for expected in ([], ["proxy.upstream.panicked"]):
        for _ in range(2 if not expected else 1):
            layer = _layer(upstream)
            begun = _names(layer.handle(LocalAccepted(0.0)))
            assert [name for name in begun if name.startswith("proxy.")] == expected
            layer.handle(InstanceFailed("refused", 0.0))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    own=st.integers(0, 6),
    spare=st.integers(0, 3),
    flips=st.lists(st.integers(0, 8), max_size=12),
)
def test_a_connection_succeeds_whenever_attempts_reach_an_instance_that_works(
    seed: int, own: int, spare: int, flips: list[int]
) -> None:
    """Instances die and return at random. Whoever is cut tried as many as may be, or all there are, and none worked."""
    upstream = _failing_over(own, spare)
    everyone = [endpoint(number) for number in range(own)] + [endpoint(100 + number) for number in range(spare)]
    rng, dead, now = SeededRng(seed), set[Endpoint](), 0.0
    for flip in [*flips, *([0] * 3)]:
        if everyone:
            one = everyone[flip % len(everyone)]
            dead.symmetric_difference_update({one})
        for _ in range(5):
            now += rng.uniform(0.0, 0.7)
            layer, tried = _layer(upstream), list[Endpoint]()
            commands = layer.handle(LocalAccepted(now))
            while isinstance(commands[-1], DialInstance):
                chosen = commands[-1].endpoint
                tried.append(chosen)
                identity = "db" if chosen in everyone[:own] else "spare"
                proof = certificate(service_id(identity).uri())
                failed = InstanceFailed("refused", now)
                commands = layer.handle(failed if chosen in dead else InstanceReached(proof, NOW, now))
            layer.handle(ConnectionEnded())
            assert len(tried) == len(set(tried)) <= ATTEMPTS_MAX
            if isinstance(commands[-1], Abort):
                assert set(tried) <= dead
                assert len(tried) == min(ATTEMPTS_MAX, len(everyone))
            else:
                assert tried[-1] not in dead
    for balancer in upstream.balancers().values():
        assert all(balancer.active(one) == 0 for one in everyone)
