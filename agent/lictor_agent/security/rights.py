"""Rules about who may do what: access control, the anonymous token, commands that others run here. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lictor_agent.security.facts import Facts
from lictor_agent.security.finding import Finding, Severity

__all__ = ["RULES"]

_SHOWN_MAX: Final = 3


def acl_off(facts: Facts) -> Iterator[Finding]:
    """Everybody may do everything."""
    if facts.acls:
        return
    places = (*facts.http_open, *((facts.rpc_listening,) if facts.rpc_listening else ()))
    yield Finding(
        id="acl.off",
        severity=Severity.SEVERE if places else Severity.NOTE,
        title="there is no access control",
        reason=f"whoever reaches {', '.join(places)} may read and change everything"
        if places
        else "every program on this host may read and change everything",
        setting='acl { enabled = true, default_policy = "deny" }, then lictor acl bootstrap',
    )


def acl_allow(facts: Facts) -> Iterator[Finding]:
    """Rules can only forbid then."""
    if facts.acls and facts.allows_by_default:
        yield Finding(
            id="acl.allow",
            severity=Severity.SEVERE if facts.http_open else Severity.WARNING,
            title="what no rule speaks of is allowed",
            reason="acl.default_policy is allow: a request without a token may do almost everything",
            setting='acl { default_policy = "deny" }',
        )


def acl_anonymous(facts: Facts) -> Iterator[Finding]:
    """What who shows no token may do by rules."""
    if not facts.acls or facts.allows_by_default:
        return
    rights = facts.anonymous_writes or facts.anonymous_reads
    if rights:
        more = f" and {len(rights) - _SHOWN_MAX} more" if len(rights) > _SHOWN_MAX else ""
        yield Finding(
            id="acl.anonymous",
            severity=Severity.SEVERE if facts.anonymous_writes and facts.http_open else Severity.WARNING,
            title=f"requests without a token may {'write' if facts.anonymous_writes else 'read'}",
            reason=f"the anonymous token has {', '.join(rights[:_SHOWN_MAX])}{more}",
            setting="lictor acl token update -id anonymous, with policies that grant less",
        )


def acl_down(facts: Facts) -> Iterator[Finding]:
    """Who cuts an agent off from the servers may do everything at it."""
    if facts.acls and facts.down_policy == "allow":
        yield Finding(
            id="acl.down",
            severity=Severity.WARNING,
            title="without servers everything is allowed",
            reason="acl.down_policy is allow: who cuts this agent off from the servers may do everything at it",
            setting='acl { down_policy = "extend-cache" }',
        )


def scripts(facts: Facts) -> Iterator[Finding]:
    """A check that is registered over HTTP is a command on this host."""
    if not facts.scripts_by_api:
        return
    judged = facts.acls and not facts.allows_by_default
    if not facts.http_open:
        severity, who = Severity.NOTE, "every program on this host"
    elif judged or facts.write_networks:
        severity, who = Severity.WARNING, "whoever may register checks here"
    else:
        severity, who = Severity.SEVERE, f"whoever reaches {', '.join(facts.http_open)}"
    yield Finding(
        id="scripts.api",
        severity=severity,
        title="checks registered over HTTP run commands",
        reason=f"enable_script_checks is set: {who} can run commands as the user of this agent",
        setting="enable_local_script_checks = true in place of enable_script_checks",
    )


def remote_exec(facts: Facts) -> Iterator[Finding]:
    """Who may write keys runs commands on all hosts."""
    if facts.remote_exec:
        judged = facts.acls and not facts.allows_by_default
        yield Finding(
            id="exec.remote",
            severity=Severity.WARNING if judged or not facts.http_open else Severity.SEVERE,
            title="lictor exec runs commands here",
            reason="whoever may write keys under _rexec and fire events can run commands as the user of this agent",
            setting="disable_remote_exec = true",
        )


def unknown(facts: Facts) -> Iterator[Finding]:
    """What was not found out may be open."""
    for reason in facts.unknown:
        yield Finding(
            id="unknown",
            severity=Severity.WARNING,
            title="not all could be looked at",
            reason=reason,
            setting="ask again once that is mended, with a token that has operator:read",
        )


RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    acl_off,
    acl_allow,
    acl_anonymous,
    acl_down,
    scripts,
    remote_exec,
    unknown,
)
