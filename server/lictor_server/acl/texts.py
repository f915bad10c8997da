"""The texts of policies, in HCL or JSON: to rules, and from the older words to today's."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lictor_config.hcl import SyntaxProblem, parse_hcl, parse_json
from lictor_core.acl.policies import POLICY_BYTES_MAX, legacy_rules_of, rules_of
from lictor_core.acl.rules import Rule
from lictor_core.acl.translation import translated
from lictor_core.errors import BodyTooLargeError, RequestError

__all__ = ["legacy_rules", "policy_rules", "translated_text"]

_KEPT_MAX: Final = 512
"""Texts whose rules are kept: policies are few, and every token comes to several of them."""


@lru_cache(maxsize=_KEPT_MAX)
def policy_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a policy. Raises `RequestError` for a text that is none, `BodyTooLargeError` for one too long."""
    return rules_of(_tree(text))


@lru_cache(maxsize=_KEPT_MAX)
def legacy_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a token of the older API, where every name is a prefix. Raises as `policy_rules`."""
    return legacy_rules_of(_tree(text))


def translated_text(text: str) -> str:
    """What `text`, in the older words, says in today's. Whether it makes sense is not asked. Raises the same."""
    return translated(_tree(text))


def _tree(text: str) -> dict[str, object]:
    size = len(text.encode(errors="replace"))
    if size > POLICY_BYTES_MAX:
        raise BodyTooLargeError(f"the policy has {size} bytes; at most {POLICY_BYTES_MAX} are taken: divide it")
    is_json = text.lstrip().startswith("{")
    try:
        return (parse_json if is_json else parse_hcl)(text).values
    except SyntaxProblem as error:
        raise RequestError(f"Failed to parse ACL rules: {error}") from error
