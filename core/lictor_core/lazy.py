"""Names of a package that are imported when somebody first asks for them (PEP 562).

A client agent uses a little of the server's room, and must not carry all of it in memory.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping

__all__ = ["lazily"]


def lazily(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of `package`: each name of `places` comes from the module that stands there."""

    def find(name: str) -> object:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(place), name)
        setattr(sys.modules[package], name, found)
        return found

    return find
