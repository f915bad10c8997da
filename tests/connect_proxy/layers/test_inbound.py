"""Playbooks: `>>` what happens, `<<` what the layer commands."""

import msgspec
import pytest

from lictor_connect_proxy.commands import Abort, Close, Command, Count, OpenApplication, Report, StartRelay
from lictor_connect_proxy.events import ApplicationFailed, ApplicationOpened, HandshakeCompleted, PermitRevoked
from lictor_connect_proxy.layers.authorize import Decisions
from lictor_connect_proxy.layers.inbound import InboundLayer, revocations
from lictor_connect_proxy.layers.stages import Accepted, Refusal
from lictor_connect_proxy.layers.tally import Counted
from tests.connect_proxy.build import NOW, certificate, identified, rule, service_id, snapshot

WEB = HandshakeCompleted(certificate(service_id("web").uri()), NOW)
ALLOWING = snapshot(rule("web", "allow"), default_allow=False)
DENYING = snapshot(rule("web", "deny"))


def _layer() -> InboundLayer:
    return InboundLayer(Accepted("192.0.2.1:4000"), Decisions())


def _names(commands: list[Command]) -> list[str]:
    return [command.event if isinstance(command, Report) else type(command).__name__ for command in commands]


def test_an_allowed_connection_opens_the_application_and_then_relays() -> None:
    layer = _layer()
    opened = layer.handle(WEB, ALLOWING)
    assert _names(opened) == ["OpenApplication"]
    assert isinstance(opened[0], OpenApplication)
    assert layer.handle(ApplicationOpened(), ALLOWING) == [StartRelay(opened[0].route)]


def test_a_denied_connection_never_opens_the_application() -> None:
    layer = _layer()
    assert _names(layer.handle(WEB, DENYING)) == ["proxy.connection.denied", "Count", "Close"]
    assert layer.permit is None
    assert layer.handle(ApplicationOpened(), ALLOWING) == []


def test_a_denial_is_reported_with_rule_and_reason() -> None:
    report, count, _ = _layer().handle(WEB, DENYING)
    assert isinstance(report, Report)
    assert report.keys["decision"] == "deny web->db (precedence 9)"
    assert report.keys["rule"] == "web->db"
    assert count == Count(Counted.DENIED, "web->db")
    assert report.keys["intention"] == "web-db"
    assert report.keys["precedence"] == 9
    assert report.keys["source"] == "web"
    assert report.keys["peer"] == "192.0.2.1:4000"
    assert "deny" in str(report.keys["reason"])


def test_denials_are_counted_by_what_decided() -> None:
    _, by_default, _ = _layer().handle(WEB, snapshot(default_allow=False))
    assert by_default == Count(Counted.DENIED, "default")
    nobody = HandshakeCompleted(certificate(), NOW)
    assert _layer().handle(nobody, ALLOWING)[1] == Count(Counted.DENIED, "identity")


@pytest.mark.parametrize("missing", ["roots", "public", "policy"])
def test_what_is_not_known_yet_denies(missing: str) -> None:
    lacking = msgspec.structs.replace(ALLOWING, **{missing: None})
    assert _names(_layer().handle(WEB, lacking)) == ["proxy.connection.denied", "Count", "Close"]


def test_two_identities_are_denied_even_if_both_are_allowed() -> None:
    both = certificate(service_id("web").uri(), service_id("api").uri())
    commands = _layer().handle(HandshakeCompleted(both, NOW), snapshot(default_allow=True))
    assert _names(commands) == ["proxy.connection.denied", "Count", "Close"]


def test_a_permit_that_is_revoked_while_the_application_is_dialed_relays_nothing() -> None:
    layer = _layer()
    layer.handle(WEB, ALLOWING)
    assert _names(layer.handle(PermitRevoked(Refusal("changed")), DENYING)) == [
        "proxy.connection.revoked",
        "Count",
        "Abort",
    ]
    assert layer.handle(ApplicationOpened(), DENYING) == []


def test_a_live_connection_that_is_revoked_is_cut() -> None:
    layer = _layer()
    layer.handle(WEB, ALLOWING)
    layer.handle(ApplicationOpened(), ALLOWING)
    assert layer.handle(PermitRevoked(Refusal("changed")), DENYING)[-1] == Abort()
    assert layer.permit is None


def test_an_application_that_is_away_cuts_the_connection() -> None:
    layer = _layer()
    layer.handle(WEB, ALLOWING)
    assert _names(layer.handle(ApplicationFailed("refused"), ALLOWING)) == ["proxy.application.failed", "Abort"]


def test_a_refused_connection_is_closed_in_order() -> None:
    assert Close() in _layer().handle(WEB, DENYING)


def test_a_change_revokes_exactly_those_it_denies() -> None:
    layers = {name: _layer() for name in ("web", "api")}
    for name, layer in layers.items():
        layer.handle(HandshakeCompleted(certificate(service_id(name).uri()), NOW), snapshot())
    permits = [layer.permit for layer in layers.values() if layer.permit is not None]
    assert len(permits) == 2
    assert set(revocations(permits, snapshot(rule("web", "deny")), Decisions())) == {identified("web").uri}
    assert revocations(permits, snapshot(), Decisions()) == {}
    assert set(revocations(permits, snapshot(default_allow=False), Decisions())) == {
        permit.identified.uri for permit in permits
    }


def test_an_unusable_policy_revokes_nothing() -> None:
    layer = _layer()
    layer.handle(WEB, ALLOWING)
    assert layer.permit is not None
    assert revocations([layer.permit], snapshot(has_policy=False), Decisions()) == {}
