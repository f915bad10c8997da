"""Whom an auth method vouches for: what binding rules choose by, and what their names are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from lictor_core.errors import AclRefusedError, FilterError, RequestError
from lictor_core.filter.compiling import compile_filter
from lictor_core.filter.fields import Fields
from lictor_core.filter.parsing import parse
from lictor_core.interpolation import interpolate

__all__ = [
    "NAME_CHARS_MAX",
    "SELECTOR_CHARS_MAX",
    "Identity",
    "Shape",
    "Validator",
    "check_selector",
    "filled_in",
    "is_selected",
]

NAME_CHARS_MAX: Final = 1024
"""What a bind name may come to."""
SELECTOR_CHARS_MAX: Final = 8192


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be asked of the identities of a method: by selectors, and in names as `${...}`."""

    fields: Fields
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """One who was vouched for; `record` has the attributes that the fields of its shape name."""

    record: object
    variables: Mapping[str, str]


class Validator(Protocol):
    """An auth method whose settings were read."""

    @property
    def shape(self) -> Shape:
        """What its identities are like."""
        ...

    async def validate(self, bearer_token: str) -> Identity:
        """Whom it vouches for by `bearer_token`. Raises `PermissionDeniedError` for nobody, `PeerError` when it cannot
        be asked."""
        ...


def check_selector(selector: str, shape: Shape) -> None:
    """Raise `AclRefusedError` for what chooses by what identities of this shape do not have."""
    if not selector:
        return
    if len(selector) > SELECTOR_CHARS_MAX:
        raise AclRefusedError(f"invalid Binding Rule: Selector has over {SELECTOR_CHARS_MAX} characters")
    try:
        compile_filter(parse(selector), shape.fields)
    except FilterError as error:
        raise AclRefusedError(f"invalid Binding Rule: Selector is invalid: {error}") from error


def is_selected(selector: str, shape: Shape, identity: Identity) -> bool:
    """Whether `selector` chooses `identity`; one that does not fit the method any more chooses nobody."""
    if not selector:
        return True
    try:
        return compile_filter(parse(selector), shape.fields)(identity.record)
    except FilterError:
        return False


def filled_in(name: str, variables: Mapping[str, str]) -> str:
    """`name` with all `${...}` in it. Raises `RequestError` where that cannot be done."""
    return interpolate(name, variables, _no_function, NAME_CHARS_MAX)


def _no_function(_: int) -> str:
    raise RequestError("there are no functions in bind names: write variables alone")
