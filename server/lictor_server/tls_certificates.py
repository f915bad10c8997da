"""Certificates for agents and those who speak to them: a CA of the operator's own, and what it signs.

Pure but for keys, which come from the machine's chance. Names, extensions and times are Consul's (`commands/tls`), so
that either program takes what the other one made. The CA of the mesh is another one: it lives in the servers' state.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictor_core.errors import RequestError
from lictor_core.names import SigningId, trust_domain
from lictor_server.ca.keys import UNREADABLE, PrivateKey, key_id, key_pem, load_key, new_key

__all__ = ["DAYS_MAX", "CertificateKind", "Pair", "Wish", "make_authority", "make_certificate"]

DAYS_MAX: Final = 36_525
"""A century."""
_LOCAL_NAME: Final = "localhost"
_LOCAL_ADDRESS: Final = "127.0.0.1"
_SERVER_USES: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class CertificateKind(enum.Enum):
    """Whom a certificate is for: a server, an agent that is none, somebody at a command line."""

    SERVER = "server"
    CLIENT = "client"
    CLI = "cli"


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM, and the seconds (since 1970) at which it and its CA end."""

    certificate: str
    key: str
    ends_at: float
    authority_ends_at: float


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a certificate is to say. `node` is for servers alone; `names` and `addresses` come before the usual ones."""

    kind: CertificateKind
    datacenter: str
    domain: str
    days: int
    node: str = ""
    names: Sequence[str] = ()
    addresses: Sequence[str] = ()

    def common_name(self) -> str:
        """The name that the others expect: servers are asked for theirs by `verify_server_hostname`."""
        return f"{self.kind.value}.{self.datacenter}.{self.domain}"

    def all_names(self) -> tuple[str, ...]:
        """Every DNS name, each once."""
        own = self.common_name()
        node = (f"{self.node}.{own}",) if self.node else ()
        return tuple(dict.fromkeys((*self.names, *node, own, _LOCAL_NAME)))

    def all_addresses(self) -> tuple[str, ...]:
        """Every IP address, each once; nobody is called at a command line."""
        usual = () if self.kind is CertificateKind.CLI else (_LOCAL_ADDRESS,)
        return tuple(dict.fromkeys((*self.addresses, *usual)))


def make_authority(
    *,
    days: int,
    serial: int,
    now: float,
    permitted: Sequence[str] = (),
    common_name: str = "",
    cluster_id: str = "",
) -> Pair:
    """A self-signed CA, valid for `days` from `now`; `permitted` are the only DNS suffixes it may sign for, all when
    there are none. With `cluster_id` it is made out to that cluster's trust domain. Raises `RequestError`.
    """
    key = new_key()
    public = key.public_key()
    name = _common_name(common_name or f"Lictor Agent CA {serial}")
    builder = (
        _builder(serial, days, now)
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(key_id(public)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(key_id(public), None, None), critical=False)
    )
    if permitted:
        subtrees = [_dns_name(one) for one in permitted]
        builder = builder.add_extension(x509.NameConstraints(subtrees, None), critical=True)
    if cluster_id:
        uri = x509.UniformResourceIdentifier(SigningId(trust_domain(_uuid(cluster_id))).uri())
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    return _pair(certificate, key, certificate)


def make_certificate(wish: Wish, *, authority: str, authority_key: str, serial: int, now: float) -> Pair:
    """A certificate that the CA in PEM signs. Raises `RequestError` for a CA that cannot sign it, such as one whose
    constraints do not permit the names, and for a wish that no certificate can express.
    """
    issuer, issuer_key = _issuer(authority, authority_key, now)
    key = new_key()
    public = key.public_key()
    names = [_dns_name(one) for one in wish.all_names()]
    addresses = [x509.IPAddress(_address(one)) for one in wish.all_addresses()]
    _check_permitted(issuer, wish.all_names())
    builder = (
        _builder(serial, wish.days, now)
        .subject_name(_common_name(wish.common_name()))
        .issuer_name(issuer.subject)
        .public_key(public)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(key_id(public)), critical=False)
        .add_extension(_authority_key(issuer, issuer_key), critical=False)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    )
    if wish.kind is not CertificateKind.CLI:
        uses = _SERVER_USES if wish.kind is CertificateKind.SERVER else _SERVER_USES[::-1]
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key, issuer)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise RequestError(f"{text!r} is no cluster id: they are UUIDs") from None


def _issuer(authority: str, authority_key: str, now: float) -> tuple[x509.Certificate, PrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(authority.encode())
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise RequestError("the CA's certificate is none of a CA: it has no basic constraints") from None
    except UNREADABLE:
        raise RequestError("the CA's file holds no certificate in PEM") from None
    if not constraints.ca:
        raise RequestError("the CA's certificate is none of a CA: its basic constraints say so")
    try:
        key = load_key(authority_key)
    except RequestError as error:
        raise RequestError(str(error).replace("PrivateKey", "the CA's key file")) from None
    if key.public_key() != certificate.public_key():
        raise RequestError("the CA's key is not the key of the CA's certificate")
    if not certificate.not_valid_before_utc.timestamp() - 1 <= now < certificate.not_valid_after_utc.timestamp():
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        raise RequestError(f"the CA is not valid now: its time is from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}")
    return certificate, key


def _check_permitted(issuer: x509.Certificate, names: Sequence[str]) -> None:
    """Refuse names that the CA's constraints do not permit: nobody would trust the certificate."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return
    permitted = [one.value for one in constraints.permitted_subtrees or () if isinstance(one, x509.DNSName)]
    excluded = [one.value for one in constraints.excluded_subtrees or () if isinstance(one, x509.DNSName)]
    for name in names:
        if (permitted and not any(_is_below(name, one) for one in permitted)) or any(
            _is_below(name, one) for one in excluded
        ):
            raise RequestError(
                f"the CA may not sign for {name}: it was made for {', '.join(permitted) or 'others'} alone"
            )


def _is_below(name: str, suffix: str) -> bool:
    """RFC 5280, section 4.2.1.10: a name is in a subtree when labels put in front of the suffix make it."""
    lowered, wanted = name.lower(), suffix.lower().removeprefix(".")
    return not wanted or lowered == wanted or lowered.endswith(f".{wanted}")


def _builder(serial: int, days: int, now: float) -> x509.CertificateBuilder:
    if not 1 <= days <= DAYS_MAX:
        raise RequestError(f"days must be 1 to {DAYS_MAX}, not {days}")
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    return (
        x509.CertificateBuilder()
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=not signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key(issuer: x509.Certificate, key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    """The issuer's key as the issuer names it: others choose other digests."""
    try:
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier(key_id(key.public_key()), None, None)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _common_name(text: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    except ValueError as error:
        raise RequestError(f"{text} cannot be the name of a certificate: it has 64 characters at most") from error


def _dns_name(text: str) -> x509.DNSName:
    try:
        if not text or any(not "!" <= character <= "~" or character in "/,@" for character in text):
            raise ValueError
        return x509.DNSName(text)
    except ValueError as error:
        raise RequestError(f"{text!r} is no DNS name: write labels of letters, digits and dashes") from error


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise RequestError(f"{text!r} is no IP address") from error


def _pair(certificate: x509.Certificate, key: PrivateKey, issuer: x509.Certificate) -> Pair:
    return Pair(
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
        key=key_pem(key),
        ends_at=certificate.not_valid_after_utc.timestamp(),
        authority_ends_at=issuer.not_valid_after_utc.timestamp(),
    )
