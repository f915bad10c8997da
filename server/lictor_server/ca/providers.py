"""The provider of a set of settings. Vault's client is loaded only where settings name it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Final

from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject
from lictor_server.ca.built_in import BuiltIn
from lictor_server.ca.provider import Provider
from lictor_server.ca.settings import CASettings, read_settings

__all__ = ["check_settings", "provider_of"]


NOT_INSTALLED: Final = (
    "the CA in Vault needs the extra lictor[vault], which is not installed: pip install 'lictor[vault]'"
)


def check_settings(provider: str, config: JsonObject) -> None:
    """Refuse settings that cannot be used here. Raises `RequestError`, `ConfigurationError` for a missing extra."""
    settings = read_settings(provider, config)
    if settings.vault is not None and find_spec("hvac") is None:
        raise ConfigurationError(NOT_INSTALLED)


def provider_of(
    settings: CASettings, cluster_id: str, *, serials: Callable[[], Awaitable[int]], unique: Callable[[], str]
) -> Provider:
    """The provider that `settings` name, for the cluster's trust domain.

    `serials` gives a number that no other certificate of ours has; `unique` some characters by chance.
    Raises `ConfigurationError` where what the provider needs is not installed.
    """
    if settings.vault is not None:
        if find_spec("hvac") is None:
            raise ConfigurationError(NOT_INSTALLED)
        # Loaded here: Vault's client brings along much that a server without it never needs.
        from lictor_server.ca.vault import Vault
        from lictor_server.ca.vault_client import VaultClient

        return Vault(settings, cluster_id, VaultClient(settings.vault), unique=unique)
    return BuiltIn(settings, cluster_id, serials=serials, unique=unique)
