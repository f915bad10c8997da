"""Templates of prepared queries: what becomes of one for a name. Pure.

Source: Consul's document `api-docs/query`. As in Consul, a prefix is found whatever its case, but taken off a name only
where the case is the same, too; and regular expressions have Go's syntax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from lictor_core.errors import RequestError
from lictor_core.interpolation import interpolate
from lictor_core.patterns import PatternFlaw, compiled
from lictor_core.prepared import TEMPLATE_TYPE, PreparedQuery, QueryService

if TYPE_CHECKING:
    import re2  # loaded when the first template with an expression comes: most clusters never see one

__all__ = ["FILLED_CHARS_MAX", "check_template", "rendered"]

FILLED_CHARS_MAX: Final = 64 * 1024
"""All texts of one template that have expressions in them, as they are written and as they are filled in. Who asks
chooses the name, so that a template of some thousand expressions made answers of hundreds of megabytes."""


def check_template(query: PreparedQuery) -> None:
    """Raise `RequestError` for a template that cannot be filled in for its own name, as Consul does; others pass."""
    template = query.template
    if not query.is_template:
        return
    if template.type != TEMPLATE_TYPE:
        raise RequestError(f"Bad Template.Type '{template.type[:64]}': the one there is is '{TEMPLATE_TYPE}'")
    rendered(query, query.name)


def rendered(query: PreparedQuery, name: str) -> PreparedQuery:
    """`query` with every text of its service filled in for `name`; one that is no template as it is.

    Raises `RequestError` where an expression cannot be carried out for this name, or `FILLED_CHARS_MAX` is too little.
    """
    if not query.is_template:
        return query
    variables = {
        "name.full": name,
        "name.prefix": query.name,
        "name.suffix": name.removeprefix(query.name),
        "agent.segment": "",
    }
    groups = _groups(query.template.regexp, name)

    def match(number: int) -> str:
        return groups[number] if 0 <= number < len(groups) else ""

    left = FILLED_CHARS_MAX

    def fill(text: str) -> str:
        nonlocal left
        filled = interpolate(text, variables, match, left)
        if "$" in text:
            left -= max(len(text), len(filled))
        return filled

    filled = _filled(query.service, fill)
    if query.template.remove_empty_tags and filled.tags is not None:
        filled = msgspec.structs.replace(filled, tags=[tag for tag in filled.tags if tag])
    return msgspec.structs.replace(query, service=filled)


def _filled(service: QueryService, fill: Callable[[str], str]) -> QueryService:
    def each(texts: list[str] | None) -> list[str] | None:
        return None if texts is None else [fill(text) for text in texts]

    def values(pairs: dict[str, str] | None) -> dict[str, str] | None:
        return None if pairs is None else {key: fill(value) for key, value in pairs.items()}

    failover = msgspec.structs.replace(service.failover, datacenters=each(service.failover.datacenters))
    return msgspec.structs.replace(
        service,
        service=fill(service.service),
        failover=failover,
        ignore_check_ids=each(service.ignore_check_ids),
        near=fill(service.near),
        tags=each(service.tags),
        node_meta=values(service.node_meta),
        service_meta=values(service.service_meta),
    )


def _groups(pattern: str, name: str) -> tuple[str, ...]:
    """What the whole expression and each of its groups found in `name`; nothing where it did not match."""
    if not pattern:
        return ()
    found = _compiled(pattern).search(name)
    return () if found is None else (found.group(0) or "", *(one or "" for one in found.groups()))


def _compiled(pattern: str) -> re2.Pattern:
    try:
        return compiled(pattern)
    except PatternFlaw as error:
        raise RequestError(f"Bad Regexp: error parsing regexp: {error.reason}") from None
