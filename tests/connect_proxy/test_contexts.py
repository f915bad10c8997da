import os
import ssl
import sys

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.snapshot import Leaf, TrustRoots
from lictor_core.errors import ConfigurationError
from tests.connect_proxy.authority import Authority

AUTHORITY = Authority()
LEAF = AUTHORITY.leaf("db")


def test_both_contexts_demand_a_certificate_and_tls_1_2() -> None:
    contexts = tls_contexts(LEAF, AUTHORITY.roots())
    for context in (contexts.server, contexts.client):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def _encrypted() -> Leaf:
    key = serialization.load_pem_private_key(LEAF.private_key_pem.encode(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    return msgspec.structs.replace(LEAF, private_key_pem=locked.decode())


@pytest.mark.parametrize(
    "leaf",
    [
        msgspec.structs.replace(LEAF, certificate_pem=""),
        msgspec.structs.replace(LEAF, certificate_pem="nonsense"),
        msgspec.structs.replace(LEAF, private_key_pem="nonsense"),
        msgspec.structs.replace(LEAF, private_key_pem=AUTHORITY.leaf("db").private_key_pem),
        _encrypted(),
    ],
    ids=["no certificate", "no PEM", "no key", "key of another leaf", "encrypted key"],
)
def test_a_leaf_that_cannot_be_used_is_refused(leaf: Leaf) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        tls_contexts(leaf, AUTHORITY.roots())


@pytest.mark.parametrize("pems", [(), ("",), ("nonsense",)])
def test_roots_that_cannot_be_used_are_refused(pems: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        tls_contexts(LEAF, TrustRoots(trust_domain="x.consul", pems=pems))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory files are Linux's")
def test_loading_a_key_leaves_no_open_file() -> None:
    tls_contexts(LEAF, AUTHORITY.roots())
    before = len(os.listdir("/proc/self/fd"))
    tls_contexts(LEAF, AUTHORITY.roots())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_leaf_never_shows_its_key() -> None:
    assert "PRIVATE" not in repr(LEAF)
    assert LEAF.private_key_pem.splitlines()[1] not in repr(LEAF)
