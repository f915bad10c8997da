"""May this client connect? The judgement behind `/v1/agent/connect/authorize`, by the one intention engine.

Source: Consul's document `api-docs/agent/connect`; the texts are those that Consul 1.8.7 answers, since proxies log
and show them.
"""

from __future__ import annotations

import msgspec

from lictor_agent.kept import Kept
from lictor_core.errors import RequestError
from lictor_core.intentions import Decision, Rule, decide, rule_of
from lictor_core.names import ServiceId, parse_spiffe
from lictor_core.queries import IntentionMatchQuery
from lictor_core.registry import ReadOptions

__all__ = ["authorize"]


async def authorize(
    kept: Kept, target: str, client_uri: str, *, default_allow: bool, acls_enabled: bool, token: str = ""
) -> Decision:
    """Judge a connection to `target` from the service that `client_uri` names.

    The trust domain is not looked at: whoever asks has verified the certificate against the roots. Raises
    `RequestError` for a missing target and for an identity that is no service's. Intentions are read by `token`.
    """
    if not target:
        raise RequestError("Target service must be specified")
    source = _service_in(client_uri)
    reading = (await kept.read(IntentionMatchQuery(by="destination", name=target), ReadOptions(token=token))).reading
    rules = [rule_of(intention) for intention in reading.value]
    decision = decide(source, target, rules, default_allow=default_allow)
    reason = _default_reason(acls_enabled=acls_enabled) if decision.rule is None else _rule_reason(decision.rule)
    return msgspec.structs.replace(decision, reason=reason)


def _service_in(client_uri: str) -> str:
    try:
        identity = parse_spiffe(client_uri)
    except RequestError as error:
        raise RequestError("ClientCertURI not a valid Connect identifier") from error
    if not isinstance(identity, ServiceId):
        raise RequestError("ClientCertURI not a valid Service identifier")
    return identity.service


def _rule_reason(rule: Rule) -> str:
    return (
        f"Matched intention: {rule.action.value.upper()} default/{rule.source} => default/{rule.destination} "
        f"(ID: {rule.id}, Precedence: {rule.precedence})"
    )


def _default_reason(*, acls_enabled: bool) -> str:
    if acls_enabled:
        return "Default behavior configured by ACLs"
    return "ACLs disabled, access is allowed by default"
