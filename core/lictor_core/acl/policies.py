"""What a policy's text says, once its tree of values is read: rules. Pure.

A tree is what HCL or JSON comes to: mappings, lists and plain values. Blocks that are not known are passed over, as
Consul 1.8.7 does, so that a policy with what only later or other versions know can be kept here. Sources: Consul's
documents `docs/security/acl/acl-rules` and `docs/security/acl/acl-legacy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import RequestError

__all__ = ["POLICY_BYTES_MAX", "RULES_MAX", "legacy_rules_of", "rules_of"]

POLICY_BYTES_MAX: Final = 512 * 1024
"""Bytes of the text of one policy."""
RULES_MAX: Final = 10_000
"""Rules of one policy."""
_SHOWN_MAX: Final = 120

_NAMED: Final = tuple(kind for kind in Resource if kind.is_named and kind is not Resource.INTENTION)
_WHOLE: Final = tuple(kind for kind in Resource if not kind.is_named)
_LEGACY_WHOLE: Final = (Resource.KEYRING, Resource.OPERATOR)
_LEVELS: Final = {level.word: level for level in (Access.DENY, Access.READ, Access.WRITE)}
_KEY_LEVELS: Final = {level.word: level for level in Access}


def rules_of(tree: Mapping[str, object]) -> tuple[Rule, ...]:
    """The rules of a policy. Raises `RequestError` for one that grants what cannot be granted."""
    found = [
        rule
        for resource in _NAMED
        for is_prefix in (False, True)
        for rule in _named(tree, resource, f"{resource}_prefix" if is_prefix else resource, is_prefix=is_prefix)
    ]
    found += [rule for resource in _WHOLE if (rule := _whole(tree, resource)) is not None]
    return _bounded(found)


def legacy_rules_of(tree: Mapping[str, object]) -> tuple[Rule, ...]:
    """The rules of a token of the older API, where every name means all that begin with it. Raises as `rules_of`."""
    found = [rule for resource in _NAMED for rule in _named(tree, resource, resource, is_prefix=True)]
    found += [rule for resource in _LEGACY_WHOLE if (rule := _whole(tree, resource)) is not None]
    return _bounded(found)


def _bounded(rules: list[Rule]) -> tuple[Rule, ...]:
    if len(rules) > RULES_MAX:
        raise RequestError(f"the policy has {len(rules)} rules; at most {RULES_MAX} are taken: divide it")
    return tuple(rules)


def _named(tree: Mapping[str, object], resource: Resource, word: str, *, is_prefix: bool) -> Iterator[Rule]:
    for name, block in _blocks(tree.get(word), word):
        levels = _KEY_LEVELS if resource is Resource.KEY else _LEVELS
        shown = f'{word} "{name}"'
        access = _level(_text(block, "policy", shown), levels, f"Invalid {resource} policy: {shown}")
        intentions = None
        if resource is Resource.SERVICE and (said := _text(block, "intentions", shown)):
            intentions = _level(said, _LEVELS, f"Invalid service intentions policy: {shown}")
        yield Rule(resource=resource, name=name, is_prefix=is_prefix, access=access, intentions=intentions)


def _blocks(value: object, word: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each block with its label, whichever way it is written: a block, several, a mapping by name, a list of these."""
    if value is None:
        return
    for item in cast("list[object]", value) if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            raise RequestError(f'Failed to parse ACL rules: {word}: expected {word} "<name>" {{ policy = "..." }}')
        labelled = cast("dict[str, object]", item)
        if isinstance(labelled.get("policy"), str):
            yield "", labelled
            continue
        for name, block in labelled.items():
            for one in cast("list[object]", block) if isinstance(block, list) else [block]:
                if not isinstance(one, dict):
                    raise RequestError(f'Failed to parse ACL rules: {word} "{name[:_SHOWN_MAX]}": expected a block')
                yield name, cast("dict[str, object]", one)


def _whole(tree: Mapping[str, object], resource: Resource) -> Rule | None:
    said = _text(tree, resource, resource)
    return Rule(resource=resource, access=_level(said, _LEVELS, f"Invalid {resource} policy")) if said else None


def _text(block: Mapping[str, object], key: str, where: str) -> str:
    value = block.get(key, "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RequestError(f"Failed to parse ACL rules: {key} of {where[:_SHOWN_MAX]} has to be one of the words")
    return str(value)


def _level(said: str, levels: Mapping[str, Access], what: str) -> Access:
    level = levels.get(said.lower())
    if level is None:
        raise RequestError(f"{what[:_SHOWN_MAX]}: {said[:_SHOWN_MAX]!r} is none of {', '.join(sorted(levels))}")
    return level
