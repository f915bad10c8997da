"""Rules about certificates that end and files that others can read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lictor_agent.security.facts import CertificateFact, Facts
from lictor_agent.security.finding import Finding, Severity

__all__ = ["RULES", "SEVERE_DAYS", "WARNING_DAYS"]

SEVERE_DAYS: Final = 3
WARNING_DAYS: Final = 30
"""How long before its end a certificate is told of that somebody has to renew."""
_LATE_FRACTION: Final = 0.1
"""One that renews itself is late when less than this is left of its life."""
_DAY_S: Final = 86_400.0
_OTHERS: Final = 0o007
_GROUP: Final = 0o070


def certificates(facts: Facts) -> Iterator[Finding]:
    """Those that have ended, or end soon."""
    for one in facts.certificates:
        left_s = one.ends - facts.now
        severity = _urgency(one, left_s)
        if severity is not None:
            yield Finding(
                id="certificate.expiring",
                severity=severity,
                title=f"{one.name} {'has ended' if left_s <= 0 else f'ends in {_span(left_s)}'}",
                reason="nobody trusts it any more" if left_s <= 0 else "nobody will trust it then",
                setting=one.renewal,
            )


def open_files(facts: Facts) -> Iterator[Finding]:
    """Files with secrets that others than their user can read."""
    for one in facts.files:
        bits = one.mode & (_OTHERS | _GROUP)
        if not bits:
            continue
        everybody = bool(one.mode & _OTHERS)
        is_severe = everybody and not one.is_directory
        yield Finding(
            id="file.open",
            severity=Severity.SEVERE if is_severe else Severity.WARNING,
            title=f"{one.path} is open to {'every user' if everybody else 'its group'} of this host",
            reason=f"its mode is {one.mode & 0o777:04o}, and it holds {one.holds}",
            setting=f"chmod go= {one.path}",
        )


def _urgency(one: CertificateFact, left_s: float) -> Severity | None:
    if one.renews_itself:
        if left_s <= 0:
            return Severity.SEVERE
        return Severity.WARNING if left_s < _LATE_FRACTION * (one.ends - one.begins) else None
    if left_s < SEVERE_DAYS * _DAY_S:
        return Severity.SEVERE
    return Severity.WARNING if left_s < WARNING_DAYS * _DAY_S else None


def _span(seconds: float) -> str:
    days = seconds / _DAY_S
    return f"{days:.0f} days" if days >= 2 else f"{seconds / 3600:.0f} hours"


RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (certificates, open_files)
