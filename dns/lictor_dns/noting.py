"""Views that stand before another one: one notes what a question looks at, one shows a single instance.

Whatever else a view can be asked goes to the view behind, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lictor_core.records import ServiceHealth
from lictor_core.registry import CatalogView

__all__ = ["Noted", "noting", "showing_one"]

_Key = tuple[str, str]
"""How instances were asked for, and for which name in lower case."""


class Noted:
    """What was looked at: the instances of the service that was asked for, which is the first one."""

    def __init__(self) -> None:
        self.key: _Key | None = None
        self.instances: Sequence[ServiceHealth] = ()


def noting(view: CatalogView, noted: Noted) -> CatalogView:
    """`view`, and what it is asked is noted."""
    return cast("CatalogView", _Noting(view, noted))


def showing_one(view: CatalogView, noted: Noted, instance: ServiceHealth) -> CatalogView:
    """`view` as it would be if the service that was asked for had this instance alone."""
    return cast("CatalogView", _ShowingOne(view, noted.key, instance))


class _Before:
    def __init__(self, view: CatalogView) -> None:
        self._view = view

    def __getattr__(self, name: str) -> object:
        return cast("object", getattr(self._view, name))


class _Noting(_Before):
    def __init__(self, view: CatalogView, noted: Noted) -> None:
        super().__init__(view)
        self._noted = noted

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        return self._note(_key(name, connect), self._view.service_health(name, connect=connect))

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        return self._note(_ingress_key(name), self._view.ingress_health(name))

    def _note(self, key: _Key, found: Sequence[ServiceHealth]) -> Sequence[ServiceHealth]:
        if self._noted.key is None:
            self._noted.key = key
            self._noted.instances = tuple(found)
        return found


class _ShowingOne(_Before):
    def __init__(self, view: CatalogView, key: _Key | None, instance: ServiceHealth) -> None:
        super().__init__(view)
        self._key = key
        self._instance = instance

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        is_asked = _key(name, connect) == self._key
        return [self._instance] if is_asked else self._view.service_health(name, connect=connect)

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        return [self._instance] if _ingress_key(name) == self._key else self._view.ingress_health(name)


def _key(name: str, connect: bool) -> _Key:
    return "connect" if connect else "service", name.lower()


def _ingress_key(name: str) -> _Key:
    return "ingress", name.lower()
