"""Whom checks believe."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lictor_agent.checks.tls import CheckTls, TlsContexts
from lictor_core.errors import ConfigurationError
from tests.agent.checks.asking import self_signed


def test_certificates_are_verified_unless_that_is_skipped() -> None:
    contexts = TlsContexts()
    assert contexts.context(skip_verify=False).verify_mode is ssl.CERT_REQUIRED
    assert contexts.context(skip_verify=True).verify_mode is ssl.CERT_NONE


def test_a_context_is_made_once() -> None:
    contexts = TlsContexts()
    assert contexts.context(skip_verify=False) is contexts.context(skip_verify=False)
    assert contexts.context(skip_verify=False) is not contexts.context(skip_verify=False, alpn=("h2",))


def test_with_the_agents_own_material_nobody_else_is_believed(tmp_path: Path) -> None:
    file = self_signed(tmp_path).file
    context = TlsContexts(CheckTls(ca_file=file, cert_file=file)).context(skip_verify=False)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("field", ["ca_file", "cert_file"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, field: str) -> None:
    file = tmp_path / "broken.pem"
    file.write_text("nothing")
    for path in (str(file), str(tmp_path / "nowhere.pem")):
        with pytest.raises(ConfigurationError, match=path):
            TlsContexts(CheckTls(ca_file=path) if field == "ca_file" else CheckTls(cert_file=path)).context(
                skip_verify=False
            )
