"""Judging by what a token comes to. Pure: the same grants give the same judgements.

Rules of all policies of a token are laid over one another. Of those about the same place (resource, name, exact or
prefix) deny counts before write, list and read. The exact rule of a name counts before prefixes, a longer prefix before
a shorter one; where none speaks the default policy does. Sources: Consul's document `docs/security/acl/acl-rules`, and
what Consul 1.8.7 answers at `/v1/internal/acl/authorize`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lictor_core.acl.denial import denial
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.places import Places, outranks
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import PermissionDeniedError

__all__ = ["EVERYTHING", "MANAGEMENT_RULES", "Authorizer", "Considered", "Judgement"]

ANY_NAME: Final = "*"
"""Intentions of all destinations: read by who may read any, written by who may write all."""

MANAGEMENT_RULES: Final = tuple(
    Rule(
        resource=resource,
        is_prefix=resource.is_named,
        access=Access.WRITE,
        intentions=Access.WRITE if resource is Resource.SERVICE else None,
    )
    for resource in Resource
    if resource is not Resource.INTENTION
)
"""What the policy of the management grants; a rule of another policy still counts beside it."""

_SPOKEN_OF_BY: Final = {
    Resource.INTENTION: (Resource.SERVICE,),
    Resource.MESH: (Resource.MESH, Resource.OPERATOR),
}
"""Rules of which resources speak of one, the first of them that has any; else those of itself."""
_NO_PLACES: Final = Places({}, {})


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that speaks of what was judged, and the policy that brings it."""

    rule: Rule
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was judged and why. `considered` are the rules that speak of it, the one that decided first.

    `rule` and `policy` are None and empty where the default decided. `is_below` when all below `name` was meant.
    """

    allowed: bool
    resource: Resource
    name: str
    access: Access
    rule: Rule | None = None
    policy: str = ""
    default: DefaultPolicy
    by_default: bool = False
    considered: tuple[Considered, ...] = ()
    accessor_id: str = ""
    policies: tuple[str, ...] = ()
    is_below: bool = False


class Authorizer:
    """Judges by the grants of one token. Immutable.

    `scope` is empty when nothing is restricted; otherwise a digest of the rules: equal scopes see the same.
    """

    __slots__ = ("_allows_all", "_by_default", "_places", "_whole", "grants", "scope")

    def __init__(self, grants: Grants) -> None:
        self.grants = grants
        is_managed = any(policy.is_management for policy in grants.policies)
        has_rules = any(policy.rules for policy in grants.policies if not policy.is_management)
        self._allows_all = grants.default is DefaultPolicy.DISABLED or (is_managed and not has_rules)
        self._by_default = grants.default is not DefaultPolicy.DENY
        self._places = {} if self._allows_all else _laid_over(grants.policies)
        self._whole: dict[Resource, bool] = {}
        self.scope = "" if self._allows_all else _digest(grants)

    def allows(self, resource: Resource, name: str = "", access: Access = Access.READ) -> bool:
        """Whether it may be done. For `Resource.INTENTION` the name `*` means all destinations."""
        if self._allows_all:
            return True
        places = self._places.get(resource, _NO_PLACES)
        if resource is Resource.INTENTION and name == ANY_NAME:
            return self._allows_any_intention(places, access)
        level = places.level(name)
        return self._default_for(resource) if level is None else level >= access

    def allows_under(self, prefix: str) -> bool:
        """Whether all keys that begin with `prefix` may be written: by what counts for it and by every rule below."""
        if self._allows_all:
            return True
        places = self._places.get(Resource.KEY, _NO_PLACES)
        level = places.prefix_level(prefix)
        if (level is None and not self._by_default) or (level is not None and level < Access.WRITE):
            return False
        return all(level >= Access.WRITE for level in places.levels_below(prefix))

    def sees_all(self, resource: Resource, access: Access = Access.READ) -> bool:
        """Whether there can be no name of `resource` for which this is denied: filters need not look."""
        if self._allows_all:
            return True
        if access is not Access.READ:
            return self._is_whole(resource, access)
        known = self._whole.get(resource)
        if known is None:
            known = self._whole[resource] = self._is_whole(resource, access)
        return known

    def _is_whole(self, resource: Resource, access: Access) -> bool:
        places = self._places.get(resource, _NO_PLACES)
        if not resource.is_named:
            return self.allows(resource, access=access)
        level = places.prefix_level("")
        if level is None and not self._by_default:
            return False
        return all(level >= access for level in places.levels_below(""))

    def sees_any(self, resource: Resource, access: Access = Access.READ) -> bool:
        """Whether there can be a name of `resource` for which this is allowed."""
        if self._allows_all or self._default_for(resource):
            return True
        return any(level >= access for level in self._places.get(resource, _NO_PLACES).levels_below(""))

    def require(self, resource: Resource, name: str = "", access: Access = Access.READ) -> None:
        """Raises `PermissionDeniedError`, which tells all of it, unless it may be done."""
        if not self.allows(resource, name, access):
            raise PermissionDeniedError(denial(self.judge(resource, name, access)))

    def require_under(self, prefix: str) -> None:
        """The same for writing all keys that begin with `prefix`."""
        if not self.allows_under(prefix):
            raise PermissionDeniedError(denial(self.judge_under(prefix)))

    def judge(self, resource: Resource, name: str = "", access: Access = Access.READ) -> Judgement:
        """The same as `allows`, with all that led to it."""
        considered = tuple(self._considered(resource, name))
        return self._judgement(resource, name, access, considered, self.allows(resource, name, access))

    def judge_under(self, prefix: str) -> Judgement:
        """The same as `allows_under`, with all that led to it; `considered` has the rules below first that deny."""
        below = [
            considered
            for considered in self._speaking_of(Resource.KEY)
            if considered.rule.name.startswith(prefix) and considered.rule.access < Access.WRITE
        ]
        above = (one for one in self._considered(Resource.KEY, prefix) if one.rule.is_prefix and one not in below)
        allowed = self.allows_under(prefix)
        return self._judgement(Resource.KEY, prefix, Access.WRITE, (*below, *above), allowed, is_below=True)

    def _judgement(
        self,
        resource: Resource,
        name: str,
        access: Access,
        considered: tuple[Considered, ...],
        allowed: bool,
        *,
        is_below: bool = False,
    ) -> Judgement:
        first = considered[0] if considered else None
        return Judgement(
            allowed=allowed,
            resource=resource,
            name=name,
            access=access,
            rule=first.rule if first else None,
            policy=first.policy if first else "",
            default=self.grants.default,
            by_default=first is None,
            considered=considered,
            accessor_id=self.grants.accessor_id,
            policies=tuple(policy.name for policy in self.grants.policies),
            is_below=is_below,
        )

    def _default_for(self, resource: Resource) -> bool:
        return self._by_default and (resource is not Resource.ACL or self._allows_all)

    def _allows_any_intention(self, places: Places, access: Access) -> bool:
        level = places.prefix_level("")
        base = self._by_default if level is None else level >= access
        levels = places.levels_below("")
        if access is Access.WRITE:
            return base and all(level >= access for level in levels)
        return base or any(level >= access for level in levels)

    def _considered(self, resource: Resource, name: str) -> list[Considered]:
        """Those that speak of `name`: exact before prefixes, longer before shorter, then by what counts first."""
        return sorted(
            (one for one in self._speaking_of(resource) if _speaks(one.rule, name)),
            key=lambda one: (one.rule.is_prefix, -len(one.rule.name), _rank(_level(one.rule, resource)), one.policy),
        )

    def _speaking_of(self, resource: Resource) -> Iterator[Considered]:
        found = dict.fromkeys(_SPOKEN_OF_BY.get(resource, (resource,)), False)
        for kind in found:
            if any(found.values()):
                return
            for policy in self.grants.policies:
                for rule in _rules(policy):
                    if rule.resource is kind:
                        found[kind] = True
                        yield Considered(rule, policy.name)


def _rules(policy: GrantedPolicy) -> tuple[Rule, ...]:
    return MANAGEMENT_RULES if policy.is_management else policy.rules


def _speaks(rule: Rule, name: str) -> bool:
    if not rule.resource.is_named:
        return True
    return name.startswith(rule.name) if rule.is_prefix else name == rule.name


def _rank(level: Access) -> int:
    return -1 if level is Access.DENY else Access.WRITE - level


def _level(rule: Rule, resource: Resource) -> Access:
    return _intentions(rule.access, rule.intentions) if resource is Resource.INTENTION else rule.access


def _intentions(access: Access, said: Access | None) -> Access:
    """What is granted of a service's intentions: what is said, else that they are read by who may read the service."""
    if said is not None:
        return said
    return Access.DENY if access is Access.DENY else Access.READ


def _laid_over(policies: tuple[GrantedPolicy, ...]) -> dict[Resource, Places]:
    levels: dict[Resource, tuple[dict[str, Access], dict[str, Access]]] = {}
    said: tuple[dict[str, Access], dict[str, Access]] = ({}, {})
    for policy in policies:
        for rule in _rules(policy):
            of_all = rule.is_prefix or not rule.resource.is_named
            _put(levels.setdefault(rule.resource, ({}, {}))[of_all], rule.name, rule.access)
            if rule.intentions is not None:
                _put(said[rule.is_prefix], rule.name, rule.intentions)
    if Resource.SERVICE in levels:
        exact, prefixes = (
            {name: _intentions(level, said[kind].get(name)) for name, level in levels[Resource.SERVICE][kind].items()}
            for kind in (False, True)
        )
        levels[Resource.INTENTION] = (exact, prefixes)
    if Resource.OPERATOR in levels:
        levels.setdefault(Resource.MESH, levels[Resource.OPERATOR])  # who says nothing of the mesh means operators
    return {resource: Places(*kinds) for resource, kinds in levels.items()}


def _put(levels: dict[str, Access], name: str, level: Access) -> None:
    known = levels.get(name)
    if known is None or outranks(level, known):
        levels[name] = level


def _digest(grants: Grants) -> str:
    """The same for the same rules, whichever policies they stand in."""
    rules = sorted({_line(rule) for policy in grants.policies for rule in _rules(policy)})
    text = "\n".join((grants.default, *rules))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _line(rule: Rule) -> str:
    return repr((rule.resource.value, rule.name, rule.is_prefix, rule.access.value, rule.intentions))


EVERYTHING: Final = Authorizer(Grants(accessor_id="", default=DefaultPolicy.DISABLED))
"""Of a cluster without access control: allows everything, and costs nothing."""
