"""Why one instance is in an answer or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lictor_core.explanations import DnsInstance
from lictor_core.records import (
    CRITICAL,
    NODE_MAINTENANCE_ID,
    PASSING,
    SERVICE_MAINTENANCE_PREFIX,
    WARNING,
    Check,
    ServiceHealth,
)
from lictor_dns.answer import Record, RecordType
from lictor_dns.asked import type_text
from lictor_dns.names import QueryName, ServiceName, parse_name
from lictor_dns.question import Question
from lictor_dns.settings import DnsSettings

__all__ = ["Case", "verdict"]


class Case(NamedTuple):
    """What is known of one instance: `records` is what an answer for it alone has, `has_others` whether one of another
    type has any; `given` and `whole` are those of the answer and of one without bounds. `left_out_by` names the bounds.
    """

    question: Question
    settings: DnsSettings
    records: Sequence[Record]
    has_others: bool
    given: frozenset[Record]
    whole: frozenset[Record]
    left_out_by: str


def verdict(instance: ServiceHealth, case: Case) -> DnsInstance:
    """`instance`, whether it was given, and why."""
    node, service = instance.node, instance.service
    is_given = any(record in case.given for record in case.records)
    if is_given:
        reason = _why_in(instance)
    elif case.records:
        reason = _why_left_out(case)
    else:
        reason = _why_out(instance, case)
    return DnsInstance(
        node=node.node,
        id=service.id,
        service=service.service,
        address=service.address or node.address,
        port=service.port,
        tags=service.tags,
        status=instance.status(),
        given=is_given,
        reason=reason,
    )


def _why_in(instance: ServiceHealth) -> str:
    warning = _first(instance.checks, WARNING)
    if warning is not None:
        return f"{_named(warning)} is warning, which dns_config.only_passing would leave out"
    return "its checks and its node's are passing" if instance.checks else "it has no checks"


def _why_left_out(case: Case) -> str:
    if not any(record in case.whole for record in case.records):
        if case.records[0].type is RecordType.CNAME:
            return "its address is a host name: a CNAME stands alone (RFC 2181), and another instance is given"
        return "another instance has the same address and port on its node"
    return f"left out by {case.left_out_by or 'a bound'}: instances take turns"


def _why_out(instance: ServiceHealth, case: Case) -> str:
    ids = [check.check_id for check in instance.checks]
    if NODE_MAINTENANCE_ID in ids:
        return "its node is in maintenance"
    if any(id.startswith(SERVICE_MAINTENANCE_PREFIX) for id in ids):
        return "it is in maintenance"
    for status in (CRITICAL, WARNING) if case.settings.only_passing else (CRITICAL,):
        check = _first(instance.checks, status)
        if check is not None:
            more = ", and dns_config.only_passing is on" if status == WARNING else ""
            return f"{_named(check)} is {status}{more}"
    question = case.question
    name = parse_name(question.labels, case.settings.zone(), is_srv=question.type == RecordType.SRV)
    if isinstance(name, ServiceName) and name.tag and name.tag not in [tag.lower() for tag in instance.service.tags]:
        return f"it does not have the tag {name.tag}"
    if isinstance(name, QueryName):
        return "the prepared query leaves it out: by its tags, its metadata, or its address's type"
    if case.has_others:
        return f"its address is none for a question of type {type_text(question.type)}"
    return "its address is none that DNS can give"


def _first(checks: Sequence[Check], status: str) -> Check | None:
    assert status != PASSING, "a check that passes is no reason"
    return next((check for check in checks if check.status == status), None)


def _named(check: Check) -> str:
    return f"its check {check.check_id}" if check.service_id else f"its node's check {check.check_id}"
