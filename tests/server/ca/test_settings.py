from __future__ import annotations

import pytest

from lictor_core.errors import RequestError
from lictor_core.records import JsonObject
from lictor_server import ca


def test_defaults_are_72_hours() -> None:
    settings = ca.read_settings("consul", {})
    assert settings.leaf_ttl_s == 72 * 3600
    assert (settings.key_kind, settings.says_key_kind) == (("ec", 256), False)
    assert (settings.private_key, settings.stored) == ("", {})


def test_settings_are_shown_as_written_but_for_secrets() -> None:
    settings = ca.read_settings("consul", {"LeafCertTTL": "24h", "PrivateKey": "pem", "RootCert": "cert"})
    assert settings.stored == {"LeafCertTTL": "24h"}
    assert settings.private_key == "pem\n"
    assert "pem" not in repr(settings)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"LeafCertTTL": "59m"}, "1h to 8760h"),
        ({"LeafCertTTL": "8761h"}, "1h to 8760h"),
        ({"LeafCertTTL": "48h", "IntermediateCertTTL": "24h"}, "outlives"),
        ({"LeafCertTTL": "long"}, "LeafCertTTL: invalid duration"),
        ({"LeafCertTTL": True}, "LeafCertTTL must be a duration"),
        ({"RootCert": "cert"}, "needs its PrivateKey"),
        ({"PrivateKey": 7}, "PrivateKey must be text"),
        ({"PrivateKeyType": "dsa", "PrivateKeyBits": 7}, "PrivateKeyType"),
        ({"PrivateKeyType": "ec", "PrivateKeyBits": 257}, "PrivateKeyBits"),
        ({"CSRMaxPerSecond": -1}, "CSRMaxPerSecond"),
        ({"SkipValidate": "yes"}, "SkipValidate"),
        ({"cluster_id": "mine"}, "cluster_id must be a UUID, not 'mine'"),
        ({"LeafCertTLL": "1h"}, "no setting 'LeafCertTLL'"),
    ],
)
def test_wrong_settings_are_named(config: JsonObject, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        ca.read_settings("consul", config)


def test_unknown_provider_is_refused() -> None:
    with pytest.raises(RequestError, match="'nobody'"):
        ca.read_settings("nobody", {})


def test_null_is_as_good_as_absent() -> None:
    assert ca.read_settings("consul", {"LeafCertTTL": None}).leaf_ttl_s == 72 * 3600


def test_kind_of_key_has_a_default_size() -> None:
    assert ca.read_settings("consul", {"PrivateKeyType": "rsa"}).key_kind == ("rsa", 2048)
    assert ca.read_settings("consul", {"PrivateKeyBits": 384}).key_kind == ("ec", 384)


def test_a_cluster_may_be_given_its_id() -> None:
    given = ca.read_settings("consul", {"cluster_id": "11111111-2222-3333-4444-555555555555"})
    assert given.cluster_id == given.stored["cluster_id"] == "11111111-2222-3333-4444-555555555555"
    assert ca.read_settings("consul", {}).cluster_id == ""


def test_keys_may_be_written_as_in_files() -> None:
    settings = ca.read_settings("consul", {"leaf_cert_ttl": "24h", "private_key_type": "rsa"})
    assert settings.leaf_ttl_s == 24 * 3600
    assert settings.stored == {"LeafCertTTL": "24h", "PrivateKeyType": "rsa"}
