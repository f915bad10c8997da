from __future__ import annotations

import datetime

import pytest
from cryptography import x509

from lictor_core.errors import RequestError
from lictor_server import ca
from lictor_server.ca.intermediates import cross_sign, intermediate_request, sign_intermediate
from tests.server.ca.build import CLUSTER, DOMAIN, NOW, csr, default_uri, root_and_key
from tests.support.chains import chains

HOUR = 3600.0
YEAR = 365 * 24 * HOUR


def request(key: ca.PrivateKey | None = None, *, domain: str = DOMAIN) -> str:
    return intermediate_request(key or ca.new_key(), common_name="sec-x.consul.ca.abcdef01.consul", trust_domain=domain)


def intermediate(csr_pem: str, *, now: float = NOW, lifetime_s: float = YEAR) -> str:
    root, key = root_and_key()
    return sign_intermediate(
        csr_pem, issuer_pem=root.root_cert, key=key, trust_domain=DOMAIN, serial=9, now=now, lifetime_s=lifetime_s
    )


def leaf(issuer_pem: str, key: ca.PrivateKey, *, now: float = NOW) -> str:
    order = ca.read_csr(csr(default_uri()))
    return ca.sign_leaf(order, issuer_pem=issuer_pem, key=key, serial=8, now=now, lifetime_s=HOUR).certificate


def test_leaf_of_an_intermediate_chains_to_the_root_by_it_alone() -> None:
    root, _ = root_and_key()
    key = ca.new_key()
    between = intermediate(request(key))
    signed = leaf(between, key)
    assert chains(signed + between, [root.root_cert], NOW)
    assert not chains(signed, [root.root_cert], NOW)


def test_intermediate_signs_no_further_authority() -> None:
    certificate = x509.load_pem_x509_certificate(intermediate(request()).encode())
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_intermediate_never_outlives_its_root() -> None:
    root, _ = root_and_key()
    end = x509.load_pem_x509_certificate(root.root_cert.encode()).not_valid_after_utc
    now = (end - datetime.timedelta(days=1)).timestamp()
    made = x509.load_pem_x509_certificate(intermediate(request(), now=now).encode())
    assert made.not_valid_after_utc == end
    with pytest.raises(RequestError, match="expired"):
        intermediate(request(), now=end.timestamp() + 1)


@pytest.mark.parametrize(
    ("csr_pem", "reason"),
    [
        (request(domain="11111111-2222-3333-4444-555555555555.consul"), "trust domain"),
        (csr(default_uri()), "trust domain"),
        (csr(), "trust domain"),
        ("no request", "none in PEM"),
        ("x" * 20_000, "at most"),
    ],
)
def test_requests_for_anything_else_are_refused(csr_pem: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        intermediate(csr_pem)


def test_old_root_vouches_for_the_leaves_of_a_new_one() -> None:
    old, old_key = root_and_key()
    new_key = ca.new_key()
    new = ca.make_root(new_key, cluster_id=CLUSTER, serial=10, unique="new", now=NOW)
    vouched = cross_sign(
        new.root_cert, issuer_pem=old.root_cert, key=old_key, serial=11, now=NOW, lifetime_s=7 * 24 * HOUR
    )
    signed = leaf(new.root_cert, new_key)
    assert chains(signed + vouched, [old.root_cert], NOW)
    assert chains(signed + vouched, [new.root_cert], NOW)
    assert not chains(signed, [old.root_cert], NOW)


def test_voucher_is_shaped_like_consuls() -> None:
    old, old_key = root_and_key()
    new = ca.make_root(ca.new_key(), cluster_id=CLUSTER, serial=10, unique="new", now=NOW)
    vouched = cross_sign(
        new.root_cert, issuer_pem=old.root_cert, key=old_key, serial=11, now=NOW, lifetime_s=7 * 24 * HOUR
    )
    certificate, root = (x509.load_pem_x509_certificate(pem.encode()) for pem in (vouched, new.root_cert))
    assert certificate.subject == root.subject
    assert certificate.public_key() == root.public_key()
    for kind in (x509.SubjectKeyIdentifier, x509.SubjectAlternativeName, x509.KeyUsage, x509.BasicConstraints):
        assert certificate.extensions.get_extension_for_class(kind) == root.extensions.get_extension_for_class(kind)
    assert certificate.serial_number == 11
