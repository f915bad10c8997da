"""May the identified peer reach the service? Asks the one intention engine; without a usable policy the answer is no.

Source: Consul's document `docs/connect/intentions`; architecture, decisions 9 and 10.
"""

from __future__ import annotations

from lictor_connect_proxy.layers.stages import Identified, Permitted, Refusal
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.intentions import decide

__all__ = ["authorize"]


def authorize(identified: Identified, snapshot: ProxySnapshot) -> Permitted | Refusal:
    """A permit, or why there is none."""
    source = identified.identity.service
    if snapshot.policy is None:
        return Refusal("no usable set of intentions is known yet", identified.uri, source)
    default_allow = snapshot.default_allow
    decision = decide(source, snapshot.service, snapshot.policy.rules, default_allow=default_allow is True)
    if decision.allowed:
        return Permitted(identified, decision)
    reason = decision.reason
    if decision.rule is None and default_allow is None:
        reason = f"no intention matches {source} -> {snapshot.service}, and the default policy is not known"
    return Refusal(reason, identified.uri, source, decision)
