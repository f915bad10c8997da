"""What the public side of a proxy judges by: intentions, the default, and who vouches for tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lictor_connect_proxy.feed.needs import DefaultPolicy, EntriesOf, Known, RulesOf
from lictor_connect_proxy.snapshot import Policy
from lictor_core.intentions import Rule
from lictor_core.records import JsonObject

__all__ = ["default_allow", "judge_by", "providers_for"]


def judge_by(service: str, known: Known) -> Policy | None:
    """The intentions towards a service."""
    return known.value(RulesOf(service))


def default_allow(known: Known) -> bool | None:
    """Whether connections may pass that no intention speaks of; None: not known."""
    found = known.value(DefaultPolicy())
    return None if found is None else found.allow


def providers_for(policies: Iterable[Policy | None], known: Known) -> dict[str, JsonObject]:
    """The entries of those whose tokens are demanded. They are asked for only where somebody demands any."""
    named = {name for policy in policies if policy is not None for rule in policy.rules for name in _named_by(rule)}
    if not named:
        return {}
    entries = known.value(EntriesOf("jwt-provider")) or {}
    return {name: entries[name] for name in sorted(named) if name in entries}


def _named_by(rule: Rule) -> Iterator[str]:
    for demand in (rule.jwt, *(permission.jwt for permission in rule.permissions)):
        if demand is not None:
            yield from (one.name for one in demand.providers)
