"""The intention engine: may this source reach this destination, and which rule says so (architecture, decision 9).

Every part that judges or shows a judgement calls `decide`: the check and match APIs, `authorize`, the proxies, the
command line. Precedence is Consul's (document `docs/connect/intentions`): an exact destination outranks an exact
source, both outrank `*`; among equals nothing is left to chance, since source and destination together are unique.

The intention of the highest precedence decides alone. One with permissions, or with a demand on tokens, speaks of
requests (`lictor_core.request_judging` tells what it means); of a connection it can say only that none of its requests
would pass, or that it depends. Who judges connections alone lets nobody in whose verdict depends.
"""

from __future__ import annotations

import base64
import enum
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from lictor_core.entries.permissions import IntentionJWT, Permission, read_jwt, read_permissions
from lictor_core.errors import RequestError
from lictor_core.records import Intention, IntentionAction
from lictor_core.request_judging import Judged, RequestFacts, can_allow, judge

__all__ = [
    "SOURCE_TYPE",
    "WILDCARD",
    "Decision",
    "Rule",
    "Verdict",
    "decide",
    "in_deciding_order",
    "intention_hash",
    "precedence",
    "rule_of",
    "stated_rule",
]

WILDCARD: Final = "*"
SOURCE_TYPE: Final = "consul"
"""The only kind of source: a service of this registry, by name."""
_HEADER_CHARS_MAX: Final = 256
"""Length of a reason that stands in a header."""

_PRECEDENCE: Final = {
    # (source is exact, destination is exact): Consul's table without namespaces, which are always `default` here
    (True, True): 9,
    (False, True): 8,
    (True, False): 6,
    (False, False): 5,
}


class Verdict(enum.StrEnum):
    """What a decision comes to. `DEPENDS`: some of the connection's requests would pass; each is judged by itself."""

    ALLOW = "allow"
    DENY = "deny"
    DEPENDS = "depends"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine needs of an intention.

    With `permissions` they decide, and `action` says nothing. `jwt` is a demand on the tokens of all that is else
    allowed. One that is `unreadable` has rules about requests that this version does not know: it denies everything.
    """

    source: str
    destination: str
    action: IntentionAction
    precedence: int
    id: str = ""
    permissions: tuple[Permission, ...] = ()
    jwt: IntentionJWT | None = None
    unreadable: bool = False

    @property
    def looks_at_requests(self) -> bool:
        """Whether it speaks of what no connection shows."""
        return bool(self.permissions) or self.jwt is not None or self.unreadable

    @property
    def key(self) -> str:
        """A name that stays the same however often the intention is written: for metrics and headers."""
        return f"{self.source}->{self.destination}"

    def matches(self, source: str, destination: str) -> bool:
        """Whether this rule speaks of a connection from `source` to `destination`."""
        return self.source in (source, WILDCARD) and self.destination in (destination, WILDCARD)

    def says(self) -> str:
        """What it says, in a word or two."""
        if self.unreadable:
            return "unreadable"
        said, count = self.action.value, len(self.permissions)
        if count:
            said = f"{count} permission{'' if count == 1 else 's'}"
        return said if self.jwt is None else f"{said}, with token"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that explains itself.

    `rule` is the one that decided, None when the default did. `considered` are the matching rules in deciding order.
    `permission` is the position of the rule's permission that decided; None when none did. `demanded` are the providers
    of whom a token was missing. `depends`: asked of a connection alone, and some of its requests would pass.
    `fell_through`: the rule has permissions, and none of them matches the request.
    """

    allowed: bool
    rule: Rule | None
    reason: str
    considered: tuple[Rule, ...]
    source: str = ""
    destination: str = ""
    default_allow: bool = False
    permission: int | None = None
    demanded: tuple[str, ...] = ()
    depends: bool = False
    fell_through: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict of three values."""
        if self.depends:
            return Verdict.DEPENDS
        return Verdict.ALLOW if self.allowed else Verdict.DENY

    @property
    def may_allow(self) -> bool:
        """Whether some request of the connection could pass: whom a list of certificates must let in."""
        return self.allowed or self.depends

    @property
    def by_default(self) -> bool:
        """Whether the default policy decided: no rule matches, or no permission of the one that does."""
        return self.rule is None or (self.fell_through and not self.demanded)

    @property
    def precedence(self) -> int:
        """Precedence of the deciding rule; 0 when the default decided."""
        return self.rule.precedence if self.rule is not None else 0

    @property
    def rule_key(self) -> str:
        """What decided, for metrics: `web->db`, its second permission `web->db#2`, or `default`."""
        if self.rule is None:
            return "default"
        return self.rule.key if self.permission is None else f"{self.rule.key}#{self.permission + 1}"

    def summary(self) -> str:
        """One short line of printable ASCII, good for a header: `deny web->db#2 (precedence 9)`."""
        words = [self.verdict.value, self.rule_key]
        if self.rule is None:
            words.append("(no intention matches)")
        elif self.by_default:
            words.append("(no permission matches, default)")
        else:
            words.append(f"(precedence {self.rule.precedence})")
        if self.demanded:
            words.append(f"token of {' or '.join(self.demanded)} missing")
        text = "".join(one if " " <= one <= "~" else "?" for one in " ".join(words))
        return text if len(text) <= _HEADER_CHARS_MAX else text[: _HEADER_CHARS_MAX - 3] + "..."


def precedence(source: str, destination: str) -> int:
    """How strongly these names speak: 9 exact to exact, 8 any to exact, 6 exact to any, 5 any to any."""
    return _PRECEDENCE[source != WILDCARD, destination != WILDCARD]


def rule_of(intention: Intention) -> Rule:
    """The rule that an intention states."""
    return stated_rule(
        Rule(
            source=intention.source_name,
            destination=intention.destination_name,
            action=intention.action,
            precedence=precedence(intention.source_name, intention.destination_name),
            id=intention.id,
        ),
        intention.permissions,
        intention.jwt,
    )


def stated_rule(rule: Rule, permissions: object, jwt: object) -> Rule:
    """`rule` with what is said about requests, as records and answers hold it; unreadable where that is."""
    if not permissions and jwt is None:
        return rule
    try:
        stated, demand = read_permissions(permissions or []), read_jwt(jwt)
    except RequestError:
        return msgspec.structs.replace(rule, action=IntentionAction.DENY, unreadable=True)
    # Records say deny to whoever knows no demands on tokens; demands are made only of what is else allowed.
    action = IntentionAction.DENY if stated else IntentionAction.ALLOW
    return msgspec.structs.replace(rule, action=action, permissions=stated, jwt=demand)


def in_deciding_order(intentions: Iterable[Intention]) -> list[Intention]:
    """The intentions as they decide: highest precedence first, then by names."""
    return sorted(
        intentions,
        key=lambda one: (
            -precedence(one.source_name, one.destination_name),
            one.destination_name,
            one.source_name,
        ),
    )


def intention_hash(intention: Intention) -> str:
    """A digest of what the intention says, not of when: equal rules have equal hashes."""
    said = msgspec.structs.replace(intention, created_at="", updated_at="", hash="", create_index=0, modify_index=0)
    return base64.b64encode(hashlib.blake2b(msgspec.msgpack.encode(said), digest_size=32).digest()).decode()


def decide(
    source: str, destination: str, rules: Sequence[Rule], *, default_allow: bool, request: RequestFacts | None = None
) -> Decision:
    """Judge what goes from `source` to `destination`: a request, or without one a connection.

    Names compare exactly, as certificates carry them. Never raises: what cannot be judged by is a denial.
    """
    # As `Rule.matches` says; proxies look through thousands of rules for each connection, where a call counts.
    sources, destinations = (source, WILDCARD), (destination, WILDCARD)
    matching = [rule for rule in rules if rule.source in sources and rule.destination in destinations]
    considered = tuple(sorted(matching, key=lambda rule: (-rule.precedence, rule.destination, rule.source)))
    if not considered:
        reason = f"no intention matches {source} -> {destination}; the default policy is {_word(default_allow)}"
        judged, depends, rule = Judged(default_allow, None), False, None
    else:
        rule = considered[0]
        judged, depends, tail = _judged(rule, request, default_allow)
        said = f"intention {rule.source} -> {rule.destination} ({rule.says()}, precedence {rule.precedence})"
        reason = said + tail
    return Decision(
        allowed=judged.allowed,
        rule=rule,
        reason=reason,
        considered=considered,
        source=source,
        destination=destination,
        default_allow=default_allow,
        permission=judged.permission,
        demanded=judged.demanded,
        depends=depends,
        fell_through=judged.fell_through,
    )


def _judged(rule: Rule, request: RequestFacts | None, default_allow: bool) -> tuple[Judged, bool, str]:
    """What one rule says, whether that depends on requests, and what is to be added to the reason."""
    if rule.unreadable:
        return Judged(False, None), False, ": it has rules about requests that this version cannot read"
    if not rule.permissions and rule.action is IntentionAction.DENY:
        return Judged(False, None), False, ""
    if not rule.looks_at_requests:
        return Judged(True, None), False, ""
    if request is None:
        depends = not rule.permissions or can_allow(rule.permissions, otherwise=default_allow)
        tail = ", which cannot be checked of a connection" if depends else ", none of which could pass"
        return Judged(False, None), depends, f": it has rules about requests{tail}"
    try:
        judged = judge(rule.permissions, rule.jwt, request, otherwise=default_allow)
    except RequestError as error:
        return Judged(False, None), False, f": one of its expressions {error}"
    return judged, False, _tail(rule, judged, default_allow)


def _tail(rule: Rule, judged: Judged, default_allow: bool) -> str:
    if judged.permission is not None:
        action = rule.permissions[judged.permission].action
        tail = f": permission {judged.permission + 1} says {action}"
    elif judged.fell_through:
        tail = f": no permission matches; the default policy is {_word(default_allow)}"
    else:
        tail = ""
    if judged.demanded:
        wanted = " or ".join(judged.demanded)
        tail += f"{';' if tail else ':'} a token of {wanted} is demanded, and there is none that meets it"
    return tail


def _word(allow: bool) -> str:
    return "allow" if allow else "deny"
