"""A connection from the mesh: identified, authorized, and only then does the application hear of it."""

from __future__ import annotations

from collections.abc import Iterable

from lictor_connect_proxy.commands import Abort, Close, Command, Count, OpenApplication, Report, StartRelay
from lictor_connect_proxy.events import (
    ApplicationFailed,
    ApplicationOpened,
    Event,
    HandshakeCompleted,
    PermitRevoked,
)
from lictor_connect_proxy.layers.authorize import Decisions, authorize
from lictor_connect_proxy.layers.identify import identify
from lictor_connect_proxy.layers.route import ApplicationRoute, route_in
from lictor_connect_proxy.layers.stages import Accepted, Identified, PeerCertificate, Permitted, Refusal
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import ProxySnapshot

__all__ = ["InboundLayer", "revocations"]


class InboundLayer:
    """One incoming connection. `permit` is there from the moment on that it was allowed until it is revoked."""

    __slots__ = ("_accepted", "_decisions", "_route", "permit")

    def __init__(self, accepted: Accepted, decisions: Decisions) -> None:
        self._decisions = decisions
        self.permit: Permitted | None = None
        self._accepted = accepted
        self._route: ApplicationRoute | None = None

    def handle(self, event: Event, snapshot: ProxySnapshot) -> list[Command]:
        """What to do after `event`, judged by `snapshot`."""
        match event:
            case HandshakeCompleted(certificate, now):
                return self._judge(certificate, now, snapshot)
            case ApplicationOpened():
                # A permit can be revoked while the application is being dialed.
                return [] if self.permit is None or self._route is None else [StartRelay(self._route)]
            case ApplicationFailed(reason):
                self.permit = None
                return [self._report("proxy.application.failed", reason=reason), Abort()]
            case PermitRevoked(refusal):
                self.permit = None
                return [*self._refused("proxy.connection.revoked", Counted.REVOKED, refusal), Abort()]
            case _:
                return []

    def _judge(self, certificate: PeerCertificate, now: float, snapshot: ProxySnapshot) -> list[Command]:
        if snapshot.roots is None or snapshot.public is None:
            return [*self._denied(Refusal("the proxy has no configuration yet")), Close()]
        identified = identify(self._accepted, certificate, snapshot.roots.trust_domain, now)
        verdict = authorize(identified, snapshot, self._decisions) if isinstance(identified, Identified) else identified
        if isinstance(verdict, Refusal):
            return [*self._denied(verdict), Close()]
        self.permit = verdict
        self._route = route_in(verdict, snapshot.public)
        return [OpenApplication(self._route)]

    def _denied(self, refusal: Refusal) -> list[Command]:
        return self._refused("proxy.connection.denied", Counted.DENIED, refusal)

    def _refused(self, event: str, counted: Counted, refusal: Refusal) -> list[Command]:
        decision = refusal.decision
        rule = decision.rule if decision is not None else None
        report = self._report(
            event,
            reason=refusal.reason,
            uri=refusal.uri,
            source=refusal.source,
            decision=decision.summary() if decision is not None else "",
            rule=decision.rule_key if decision is not None else "",
            intention=rule.id if rule is not None else "",
            precedence=rule.precedence if rule is not None else 0,
        )
        return [report, Count(counted, decision.rule_key if decision is not None else "identity")]

    def _report(self, event: str, **keys: object) -> Report:
        return Report("warning", event, {"peer": self._accepted.peer, **keys})


def revocations(permits: Iterable[Permitted], snapshot: ProxySnapshot, decisions: Decisions) -> dict[str, Refusal]:
    """The SPIFFE ids among `permits` that `snapshot` denies, with the reasons.

    A policy that cannot be judged by revokes nothing: it lets nobody in, and what stands was allowed by the last
    one that could be.
    """
    if snapshot.policy is None:
        return {}
    # One judgement for each peer: thousands of connections share a few identities.
    distinct = {permit.identified.uri: permit.identified for permit in permits}
    verdicts = {uri: authorize(identified, snapshot, decisions) for uri, identified in distinct.items()}
    return {uri: verdict for uri, verdict in verdicts.items() if isinstance(verdict, Refusal)}
