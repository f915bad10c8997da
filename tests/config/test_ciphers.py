"""Cipher suites by the names of Go."""

from __future__ import annotations

import ssl

import pytest

from lictor_config.ciphers import CIPHERS, openssl_names
from lictor_core.errors import ConfigurationError


def test_openssl_knows_every_suite() -> None:
    for name in CIPHERS.values():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(name)
        assert name in {one["name"] for one in context.get_ciphers()}


def test_suites_stand_with_commas_between_them_and_keep_their_order() -> None:
    text = "TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,"
    assert openssl_names(text) == ("AES128-SHA", "ECDHE-RSA-CHACHA20-POLY1305")
    assert openssl_names("") == ()


def test_an_unknown_suite_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'TLS_RSA_WITH_RC4_128_SHA' is not taken; choose of TLS_ECDHE"):
        openssl_names("TLS_RSA_WITH_RC4_128_SHA")
