from __future__ import annotations

import pytest

from lictor_core.errors import ConfigurationError, RequestError
from lictor_core.records import JsonObject
from lictor_server import ca
from lictor_server.ca import providers
from lictor_server.ca.built_in import BuiltIn
from lictor_server.ca.vault import Vault
from tests.server.ca.build import CLUSTER

_VAULT: JsonObject = {
    "address": "http://127.0.0.1:8200",
    "token": "t",
    "root_pki_path": "a",
    "intermediate_pki_path": "b",
}


async def _serial() -> int:
    return 1


def made(provider: str, config: JsonObject) -> ca.Provider:
    return ca.provider_of(ca.read_settings(provider, config), CLUSTER, serials=_serial, unique=lambda: "u")


def test_settings_name_their_provider() -> None:
    assert isinstance(made("consul", {}), BuiltIn)
    assert isinstance(made("vault", _VAULT), Vault)


def _finds_nothing(_name: str) -> None:
    """No module is installed."""


def test_missing_extra_is_named_before_anything_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    ca.check_settings("vault", _VAULT)
    monkeypatch.setattr(providers, "find_spec", _finds_nothing)
    ca.check_settings("consul", {})
    for use in (ca.check_settings, made):
        with pytest.raises(ConfigurationError, match=r"pip install 'lictor\[vault\]'"):
            use("vault", _VAULT)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(RequestError, match="LeafCertTTL"):
        ca.check_settings("consul", {"LeafCertTTL": "1m"})
