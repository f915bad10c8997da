"""What Envoy makes of rules that it is given, read from their JSON: a second, plain reading of its documents.

Regular expressions are RE2's, which is what Envoy uses, and match the whole of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lictor_core.patterns import whole_match
from lictor_core.records import JsonObject

__all__ = ["is_principal", "lets_in", "text_matches"]


def text_matches(matcher: JsonObject, text: str) -> bool:
    """A StringMatcher."""
    folded = bool(matcher.get("ignore_case"))
    match matcher:
        case {"safe_regex": {"regex": str(regex)}}:
            return whole_match(regex, text)
        case {"exact": str(form)}:
            return _folded(text, folded) == _folded(form, folded)
        case {"prefix": str(form)}:
            return _folded(text, folded).startswith(_folded(form, folded))
        case {"suffix": str(form)}:
            return _folded(text, folded).endswith(_folded(form, folded))
        case {"contains": str(form)}:
            return _folded(form, folded) in _folded(text, folded)
        case _:
            raise AssertionError(f"no matcher of texts: {matcher}")


def lets_in(names: Sequence[JsonObject], uri: str) -> bool:
    """A list of `match_typed_subject_alt_names`, for a certificate with one URI. An empty one is open to all."""
    return not names or any(text_matches(cast(JsonObject, one["matcher"]), uri) for one in names)


def is_principal(principal: JsonObject, uri: str) -> bool:
    """A principal of RBAC."""
    ((kind, said),) = principal.items()
    match kind:
        case "any":
            return True
        case "authenticated":
            return text_matches(cast("dict[str, JsonObject]", said)["principal_name"], uri)
        case "and_ids" | "or_ids":
            each = (is_principal(one, uri) for one in cast("dict[str, list[JsonObject]]", said)["ids"])
            return all(each) if kind == "and_ids" else any(each)
        case "not_id":
            return not is_principal(cast(JsonObject, said), uri)
        case _:
            raise AssertionError(f"no principal: {principal}")


def _folded(text: str, folded: bool) -> str:
    return text.lower() if folded else text
