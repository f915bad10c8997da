"""Two tables of one kind change places: each object stays what others refer to, and holds what the other one held."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["exchange"]

T = TypeVar("T")


def exchange(one: T, other: T) -> None:
    """Swap all that two tables hold. No row is copied or freed, so the size of the tables does not matter."""
    assert type(one) is type(other), "only tables of one kind can change places"
    one.__dict__, other.__dict__ = other.__dict__, one.__dict__
