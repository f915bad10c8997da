"""Who may connect, in Envoy's words: an allow-list of names in certificates, and the same said again by RBAC.

The list stands in the validation context of the public listener, so that a client that is denied fails in the TLS
handshake and gets no byte, silent or not: RBAC alone judges when the first byte arrives, and the application may have
spoken by then (envoyproxy/envoy#9023). RBAC is the second layer, made in another way: where the list needs a regular
expression for "everybody but these", RBAC says "everybody, and not these".

Both only carry over what `lictor_core.intentions.decide` says of each name. Sources are compared by the name of the
service; its datacenter is any of the trust domain's, as for the built-in proxy.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from lictor_core.intentions import WILDCARD, Decision, Rule, decide
from lictor_core.names import NAMESPACE
from lictor_core.records import JsonObject

__all__ = [
    "CHUNK_CHARS_MAX",
    "LIST_CHARS_MAX",
    "Admission",
    "Sources",
    "admission",
    "all_but",
    "allowed_names",
    "any_service",
    "principals",
    "services",
    "sources_of",
]

LIST_CHARS_MAX: Final = 65_536
"""Length of the expression for "everybody but these". Envoy takes seconds for a longer one; RBAC then stands alone."""
CHUNK_CHARS_MAX: Final = 16_384
"""Length of one expression of many names; more names make more expressions."""
_NOBODY: Final = r"[^\s\S]"
"""Matches nothing. An empty list would mean every certificate of the CA."""
_PLAIN: Final = "!$&'()*+,;=:@"
"""What stands for itself in a SPIFFE id, beside letters, digits and `-._~`."""
_SEGMENT: Final = f"[A-Za-z0-9{_PLAIN}._~-]|%(?:[01][0-9A-F]|2[0235F]|3[CEF]|5[BCDE]|60|7[BCDF]|[89A-F][0-9A-F])"
"""One character of a name as our CA writes it: what needs no escape has none, so that a name has one form."""


class Sources(NamedTuple):
    """The verdict on each source that intentions name, and on `others`."""

    named: dict[str, Decision]
    others: Decision


class Admission(NamedTuple):
    """Who gets in: those of `names`, or with `is_denied` everybody else."""

    names: tuple[str, ...]
    is_denied: bool


def sources_of(service: str, rules: Sequence[Rule], *, default_allow: bool) -> Sources:
    """What the engine says of each source of connections to `service`."""
    by_source: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_source[rule.source].append(rule)
    everyone = by_source.pop(WILDCARD, [])
    named = {
        source: decide(source, service, [*own, *everyone], default_allow=default_allow)
        for source, own in by_source.items()
    }
    return Sources(named, decide(WILDCARD, service, everyone, default_allow=default_allow))


def admission(sources: Sources, *, sees_requests: bool) -> Admission:
    """Who gets in at all. Who `sees_requests` lets in everybody some of whose requests may pass."""

    def passes(decision: Decision) -> bool:
        return decision.may_allow if sees_requests else decision.allowed

    is_open = passes(sources.others)
    return Admission(tuple(sorted(one for one, said in sources.named.items() if passes(said) is not is_open)), is_open)


def allowed_names(admitted: Admission | None, trust_domain: str) -> list[JsonObject]:
    """The matchers of names in certificates; None admits nobody. Never empty."""
    if admitted is None or not (admitted.names or admitted.is_denied):
        expressions: Iterable[str] = [_NOBODY]
    elif not admitted.is_denied:
        expressions = services(admitted.names, trust_domain)
    else:
        expression = all_but(admitted.names, trust_domain)
        expressions = [expression if len(expression) <= LIST_CHARS_MAX else any_service(trust_domain)]
    return [{"san_type": "URI", "matcher": {"safe_regex": {"regex": one}}} for one in expressions]


def principals(admitted: Admission | None, trust_domain: str) -> list[JsonObject]:
    """The principals of RBAC that get in; none at all when nobody does."""
    if admitted is None:
        return []
    named = [_principal(one) for one in services(admitted.names, trust_domain)]
    if not admitted.is_denied:
        return named
    everybody = _principal(any_service(trust_domain))
    return [{"and_ids": {"ids": [everybody, *({"not_id": one} for one in named)]}}]


def any_service(trust_domain: str) -> str:
    """An expression for every service of the trust domain, its name written as our CA writes it."""
    return f"{_before(trust_domain)}(?:{_SEGMENT})+"


def services(names: Iterable[str], trust_domain: str) -> list[str]:
    """Expressions that together match the ids of these services, and nothing else."""
    chunks: list[list[str]] = []
    room = 0
    for name in names:
        written = re.escape(_written(name))
        room -= len(written) + 1
        if room < 0:
            chunks.append([])
            room = CHUNK_CHARS_MAX - len(written)
        chunks[-1].append(written)
    return [f"{_before(trust_domain)}(?:{'|'.join(chunk)})" for chunk in chunks]


def all_but(names: Iterable[str], trust_domain: str) -> str:
    """An expression for the ids of all services but these: RE2 knows no look-ahead.

    It accepts a name that leaves the tree of the forbidden ones, or ends inside it where none of them ends.
    """
    return _before(trust_domain) + _outside(_tree(_written(name) for name in names))


class _Tree:
    """Names by their characters; `ends` where one of them does."""

    __slots__ = ("below", "ends")

    def __init__(self) -> None:
        self.below: dict[str, _Tree] = {}
        self.ends = False


def _tree(names: Iterable[str]) -> _Tree:
    root = _Tree()
    for name in names:
        here = root
        for character in name:
            here = here.below.setdefault(character, _Tree())
        here.ends = True
    return root


def _outside(root: _Tree) -> str:
    """Without recursion: a name may have more characters than calls may be nested."""
    pieces: list[str] = []
    ahead: list[_Tree | str] = [root]
    while ahead:
        one = ahead.pop()
        if isinstance(one, str):
            pieces.append(one)
            continue
        inside = "".join(map(_in_class, sorted(one.below)))
        pieces.append(f"(?:[^/{inside}][^/]*")
        # A name cannot be empty, so it cannot end at the root.
        ahead.append(")" if one is root or one.ends else ")?")
        for character, below in sorted(one.below.items(), reverse=True):
            ahead += [below, f"|{re.escape(character)}"]
    return "".join(pieces)


def _in_class(character: str) -> str:
    return f"\\{character}" if character in "\\]^-" else character


def _before(trust_domain: str) -> str:
    return re.escape(f"spiffe://{trust_domain.lower()}/ns/{NAMESPACE}/dc/") + "[^/]+/svc/"


def _written(name: str) -> str:
    return quote(name, safe=_PLAIN)


def _principal(expression: str) -> JsonObject:
    return {"authenticated": {"principal_name": {"safe_regex": {"regex": expression}}}}
