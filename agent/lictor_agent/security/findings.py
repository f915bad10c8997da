"""What is open: the table of rules, and what they find. Pure.

*Severe*: whoever reaches a port can take over the cluster, a host or a secret. *Warning*: it takes one more step, or
will be severe before long. *Note*: nothing is open now, and one setting away it would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lictor_agent.security import doors, files, rights
from lictor_agent.security.facts import Facts
from lictor_agent.security.finding import Finding, Severity

__all__ = ["RULES", "Finding", "Severity", "findings"]

RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (*doors.RULES, *rights.RULES, *files.RULES)
"""Each yields what it finds, or nothing."""


def findings(facts: Facts) -> list[Finding]:
    """All that is open, the worst first, else in the order of the table."""
    found = [one for rule in RULES for one in rule(facts)]
    return sorted(found, key=lambda one: one.severity.rank)
