"""The provider of a set of settings. Vault's client is loaded only where settings name it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lictor_server.ca.built_in import BuiltIn
from lictor_server.ca.provider import Provider
from lictor_server.ca.settings import CASettings

__all__ = ["provider_of"]


def provider_of(
    settings: CASettings, cluster_id: str, *, serials: Callable[[], Awaitable[int]], unique: Callable[[], str]
) -> Provider:
    """The provider that `settings` name, for the cluster's trust domain.

    `serials` gives a number that no other certificate of ours has; `unique` some characters by chance.
    """
    return BuiltIn(settings, cluster_id, serials=serials, unique=unique)
