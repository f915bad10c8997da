"""May the identified peer reach the service? Asks the one intention engine; without a usable policy the answer is no.

Source: Consul's document `docs/connect/intentions`; architecture, decisions 9 and 10.
"""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.layers.stages import Identified, Permitted, Refusal
from lictor_connect_proxy.snapshot import Policy, ProxySnapshot
from lictor_core.intentions import Decision, decide

__all__ = ["SOURCES_MAX", "Decisions", "authorize"]

SOURCES_MAX: Final = 1024
"""Sources whose judgement is kept."""


class Decisions:
    """The judgements of a policy, kept by source: most connections come from few, and a policy may have many rules."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._default_allow = False
        self._service = ""
        self._kept: dict[str, Decision] = {}

    def of(self, source: str, service: str, policy: Policy, *, default_allow: bool) -> Decision:
        """What `policy` says of connections from `source` to `service`."""
        if policy is not self._policy or (service, default_allow) != (self._service, self._default_allow):
            self._policy, self._service, self._default_allow = policy, service, default_allow
            self._kept = {}
        decision = self._kept.get(source)
        if decision is None:
            if len(self._kept) >= SOURCES_MAX:
                del self._kept[next(iter(self._kept))]
            decision = decide(source, service, policy.rules, default_allow=default_allow)
            self._kept[source] = decision
        return decision


def authorize(identified: Identified, snapshot: ProxySnapshot, decisions: Decisions) -> Permitted | Refusal:
    """A permit, or why there is none."""
    source = identified.identity.service
    if snapshot.policy is None:
        return Refusal("no usable set of intentions is known yet", identified.uri, source)
    default_allow = snapshot.default_allow
    decision = decisions.of(source, snapshot.service, snapshot.policy, default_allow=default_allow is True)
    if decision.allowed:
        return Permitted(identified, decision)
    reason = decision.reason
    if decision.rule is None and default_allow is None:
        reason = f"no intention matches {source} -> {snapshot.service}, and the default policy is not known"
    return Refusal(reason, identified.uri, source, decision)
