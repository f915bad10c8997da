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


_VAULT: JsonObject = {
    "Address": "https://vault.test:8200/",
    "Token": "secret-token",
    "RootPKIPath": "/connect/root/",
    "IntermediatePKIPath": "connect/inter",
}


def test_settings_of_vault_may_be_written_as_in_files() -> None:
    files: JsonObject = {
        "address": "https://vault.test:8200",
        "token": "secret-token",
        "root_pki_path": "connect/root",
        "intermediate_pki_path": "connect/inter",
        "tls_skip_verify": True,
        "ca_file": "/ca.pem",
    }
    vault = ca.read_settings("vault", files).vault
    assert vault is not None
    assert (vault.root_path, vault.intermediate_path) == ("connect/root", "connect/inter")
    assert (vault.ca_file, vault.skip_verify) == ("/ca.pem", True)
    plain = ca.read_settings("vault", _VAULT).vault
    assert plain is not None
    assert (plain.address, plain.root_path) == ("https://vault.test:8200", "connect/root")


def test_token_of_vault_is_not_in_what_is_printed() -> None:
    assert "secret-token" not in repr(ca.read_settings("vault", _VAULT))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Token": ""}, "needs Token"),
        ({"Address": None}, "needs Address"),
        ({"RootPKIPath": "connect/inter"}, "two places"),
        ({"CertFile": "a"}, "come together"),
        ({"RootCert": "x"}, "no setting 'RootCert'"),
        ({"TLSSkipVerify": "yes"}, "TLSSkipVerify"),
        ({"CAFile": 7}, "CAFile must be text"),
    ],
)
def test_wrong_settings_of_vault_are_named(change: JsonObject, reason: str) -> None:
    with pytest.raises(RequestError, match=reason) as caught:
        ca.read_settings("vault", {**_VAULT, **change})
    assert "secret-token" not in str(caught.value)


def test_rate_of_signing_goes_before_the_number_at_once() -> None:
    def limits(config: JsonObject) -> tuple[float | None, int]:
        settings = ca.read_settings("consul", config)
        return settings.csr_per_second, settings.csr_concurrent_max

    assert limits({}) == (None, 0)
    assert limits({"CSRMaxPerSecond": 100}) == (100, 0)
    assert limits({"csr_max_concurrent": 2}) == (0, 2)
    assert limits({"CSRMaxPerSecond": 0.5, "CSRMaxConcurrent": 2}) == (0.5, 2)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"RootCertTTL": "24h"}, "RootCertTTL must not be below IntermediateCertTTL"),
        ({"RotateRoot": True, "RotationPeriod": "1h"}, "RotationPeriod must not be below LeafCertTTL"),
        ({"RotationPeriod": "-1h"}, "RotationPeriod must be at least 0"),
        ({"SignByIntermediate": 1}, "SignByIntermediate must be true or false"),
    ],
)
def test_lives_that_do_not_fit_one_another_are_refused(config: JsonObject, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        ca.read_settings("consul", config)
