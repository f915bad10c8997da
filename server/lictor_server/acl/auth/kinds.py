"""The types of auth methods, and the validators of those that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lictor_core.acl.records import AuthMethod
from lictor_core.clock import Clock
from lictor_core.errors import AclRefusedError
from lictor_core.records import JsonObject
from lictor_server.acl.auth.identity import Validator
from lictor_server.acl.auth.jwt import JwtValidator
from lictor_server.acl.auth.kubernetes import KubernetesValidator

__all__ = ["TYPES", "Validators"]

_MAKERS: Final[Mapping[str, Callable[[JsonObject, Clock], Validator]]] = {
    "jwt": JwtValidator,
    "kubernetes": KubernetesValidator,
}
TYPES: Final = tuple(sorted(_MAKERS))
KEPT_MAX: Final = 256
"""Validators that are kept with what they know: keys that were fetched."""


class Validators:
    """Makes validators, and keeps them for as long as their methods stay what they are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[AuthMethod, Validator]] = {}

    def made(self, method: AuthMethod) -> Validator:
        """A validator by the settings of `method`. Raises `AclRefusedError` for settings that cannot work."""
        make = _MAKERS.get(method.type)
        if make is None:
            raise AclRefusedError(f"Invalid Auth Method: Type should be one of: [{' '.join(TYPES)}]")
        return make(method.config, self._clock)

    def of(self, method: AuthMethod) -> Validator:
        """The validator of a method that is kept. Raises as `made` does."""
        kept = self._kept.get(method.name.lower())
        if kept is not None and kept[0] is method:
            return kept[1]
        validator = self.made(method)
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[method.name.lower()] = method, validator
        return validator
