"""Templates of a bootstrap configuration, in Go's syntax as far as variables go. Pure.

Consul fills them with the package `text/template`; conditions, loops and functions of it are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lictor_core.errors import ConfigurationError

__all__ = ["filled"]

_ACTION: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"/\*.*\*/", re.DOTALL)
_VARIABLE: Final = re.compile(r"\.(?:GRPC\.)?(\w+)")


def filled(template: str, variables: Mapping[str, str]) -> str:
    """The template with its variables. Raises `ConfigurationError` for an action that is no variable of these."""

    def value(action: re.Match[str]) -> str:
        if _COMMENT.fullmatch(action[1]):
            return ""
        found = _VARIABLE.fullmatch(action[1])
        if found is None:
            raise ConfigurationError(
                f"envoy_bootstrap_json_tpl: {action[0]} is more than a variable, which is all that is filled in here"
            )
        if found[1] not in variables:
            raise ConfigurationError(
                f"envoy_bootstrap_json_tpl: there is no variable {found[1]}; there are {', '.join(sorted(variables))}"
            )
        return variables[found[1]]

    return _ACTION.sub(value, template)
