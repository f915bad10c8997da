"""The CA that keeps its keys in Vault: a root that Vault holds, and an intermediate of it that signs leaves.

Sources: Consul's document `docs/connect/ca/vault` (what is read, what is made where it is missing, what is never
written); Vault's `api-docs/secret/pki`. Nothing that Vault answers is believed before it was looked at: the certificate
must be for the key and the identity that were asked for, and signed by whom everybody trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from lictor_core.authority import RootLife
from lictor_core.errors import PeerError
from lictor_core.names import SigningId, intermediate_common_name, root_common_name, trust_domain
from lictor_server.ca.keys import UNREADABLE, colon_hex
from lictor_server.ca.leaves import LeafOrder, SignedLeaf
from lictor_server.ca.provider import Established, LeafTerms
from lictor_server.ca.roots import ROOT_YEARS, chain_of, root_record
from lictor_server.ca.settings import CASettings, VaultSettings
from lictor_server.ca.vault_client import VaultApi

__all__ = ["Vault"]

NAME: Final = "Vault CA Root Cert"
ROLE: Final = "leaf-cert"
"""The role by which leaves are signed, as Consul calls it."""
_MOUNTED: Final = "intermediate_mounted"
"""In the state of the provider: that we made the intermediate's engine, and may end it."""
_YEAR_S: Final = 365 * 86_400.0


class Vault:
    """The CA in Vault under one set of settings. `unique` gives a few characters by chance, for common names."""

    def __init__(
        self,
        settings: CASettings,
        cluster_id: str,
        api: VaultApi,
        *,
        unique: Callable[[], str],
    ) -> None:
        assert settings.vault is not None, "settings of this provider"
        self._settings = settings
        self._where: VaultSettings = settings.vault
        self._cluster_id = cluster_id
        self._domain = trust_domain(cluster_id)
        self._api = api
        self._unique = unique

    async def establish(self, current: Established | None, now: float) -> Established:
        """The root that is in Vault, or one that is made there, and an intermediate that is not past its half."""
        root = await self._root()
        mounted = await self._mount_intermediate(current)
        await self._put_role()
        signer = await self._signer(root)
        if signer is None or _half(signer) <= now:
            signer = await self._new_intermediate(root)
        return self._established(root, signer, current, mounted=mounted)

    async def keep(self, current: Established, now: float) -> Established:
        """Keep the token alive; follow what others changed in Vault."""
        await self._api.keep_token()
        root = await self._root()
        signer = await self._signer(root)
        if signer is not None and self._is(current, root, signer):
            return current
        return await self.establish(current, now)

    async def renew_root(self, current: Established, now: float) -> Established:
        """The root is Vault's: who looks after Vault replaces it, and `keep` follows."""
        return current

    async def renew_intermediate(self, current: Established, now: float) -> Established:
        """The same root with a new intermediate."""
        root = await self._root()
        return self._established(root, await self._new_intermediate(root), current)

    async def sign_leaf(self, current: Established, order: LeafOrder, terms: LeafTerms) -> SignedLeaf:
        """The leaf that Vault signs; looked at before anybody gets it."""
        left_s = current.life.signer_ends - terms.now  # Vault refuses a leaf that would outlive its signer
        body = {"csr": order.csr, "ttl": f"{int(min(terms.lifetime_s, left_s))}s"}
        path = f"{self._where.intermediate_path}/sign/{ROLE}"
        leaf = _certificate(await self._api.write(path, body), path)
        chain = current.root.intermediate_certs
        if not chain or not _issued(leaf, x509.load_pem_x509_certificate(chain[0].encode())):
            raise PeerError("Vault signed by another intermediate than the one that is known: ask again in a minute")
        if (
            leaf.public_key() != order.key
            or _names(leaf) != {order.identity.uri(), *order.dns_names, *order.addresses}
            or _is_authority(leaf)
        ):
            raise PeerError("Vault signed another certificate than was asked for")
        serial = leaf.serial_number
        return SignedLeaf(
            certificate=chain_of([leaf]),
            serial_number=colon_hex(serial.to_bytes((serial.bit_length() + 7) // 8 or 1, "big")),
            uri=order.identity.uri(),
            valid_after=leaf.not_valid_before_utc.timestamp(),
            valid_before=leaf.not_valid_after_utc.timestamp(),
        )

    async def sign_intermediate(self, current: Established, csr: str, terms: LeafTerms) -> str:
        """A CA below the root, for leaves only."""
        signed = await self._intermediate_signed(csr, terms.lifetime_s)
        return self._below(signed, current)

    async def cross_sign(self, current: Established, root_pem: str, terms: LeafTerms) -> str:
        """Another root, vouched for by the one in Vault."""
        path = f"{self._where.root_path}/root/sign-self-issued"
        signed = _certificate(await self._api.write(path, {"certificate": root_pem}), path)
        wanted = x509.load_pem_x509_certificate(root_pem.encode())
        if signed.subject != wanted.subject or signed.public_key() != wanted.public_key():
            raise PeerError("Vault signed another certificate than the new root")
        return self._below(signed, current)

    async def clean_up(self, current: Established) -> None:
        """End the engine of the intermediate, where we began it. The root stays as it is."""
        if (current.state or {}).get(_MOUNTED) == "true":
            await self._api.unmount(self._where.intermediate_path)

    async def _root(self) -> x509.Certificate:
        path = self._where.root_path
        pem = await self._api.certificate(path)
        if not pem.strip():
            if not await self._api.mounted(path):
                await self._api.mount(path, ROOT_YEARS * _YEAR_S)
            body = self._asked_for(root_common_name(self._unique(), self._domain))
            body["ttl"] = f"{int(self._settings.root_ttl_s or ROOT_YEARS * _YEAR_S)}s"
            await self._api.write(f"{path}/root/generate/internal", body)
            pem = await self._api.certificate(path)
        return _parsed(pem, f"{path}/ca/pem")

    async def _mount_intermediate(self, current: Established | None) -> bool:
        """Whether the engine of the intermediate is one that we began."""
        path = self._where.intermediate_path
        if await self._api.mounted(path):
            return current is not None and (current.state or {}).get(_MOUNTED) == "true"
        await self._api.mount(path, self._settings.intermediate_ttl_s)
        return True

    async def _put_role(self) -> None:
        body = {
            "allow_any_name": True,
            "allowed_uri_sans": "spiffe://*",
            "enforce_hostnames": False,
            "key_type": "any",
            "max_ttl": f"{int(self._settings.leaf_ttl_s)}s",
            "no_store": True,
            "require_cn": False,
        }
        await self._api.write(f"{self._where.intermediate_path}/roles/{ROLE}", body)

    async def _signer(self, root: x509.Certificate) -> x509.Certificate | None:
        """The intermediate that Vault signs leaves by, where it is one of this root."""
        path = self._where.intermediate_path
        pem = await self._api.certificate(path)
        if not pem.strip():
            return None
        signer = _parsed(pem, f"{path}/ca/pem")
        return signer if _issued(signer, root) else None

    async def _new_intermediate(self, root: x509.Certificate) -> x509.Certificate:
        path = f"{self._where.intermediate_path}/intermediate/generate/internal"
        made = await self._api.write(path, self._asked_for(intermediate_common_name(self._unique(), self._domain)))
        csr = made.get("csr")
        if not isinstance(csr, str):
            raise PeerError(f"Vault answered {path} without a signing request")
        signed = await self._intermediate_signed(csr, self._settings.intermediate_ttl_s)
        if not _issued(signed, root):
            raise PeerError("Vault signed the intermediate by another root than it shows")
        pem = chain_of([signed])
        await self._api.write(f"{self._where.intermediate_path}/intermediate/set-signed", {"certificate": pem})
        return signed

    async def _intermediate_signed(self, csr: str, lifetime_s: float) -> x509.Certificate:
        path = f"{self._where.root_path}/root/sign-intermediate"
        body = {"csr": csr, "use_csr_values": True, "format": "pem", "ttl": f"{int(lifetime_s)}s", "max_path_length": 0}
        return _certificate(await self._api.write(path, body), path)

    def _asked_for(self, common_name: str) -> dict[str, object]:
        kind, bits = self._settings.key_kind
        uri = SigningId(self._domain).uri()
        return {"common_name": common_name, "uri_sans": uri, "key_type": kind, "key_bits": bits}

    def _below(self, signed: x509.Certificate, current: Established) -> str:
        if not _issued(signed, x509.load_pem_x509_certificate(current.root.root_cert.encode())):
            raise PeerError("Vault signed by another root than the one that is trusted")
        return chain_of([signed])

    def _is(self, current: Established, root: x509.Certificate, signer: x509.Certificate) -> bool:
        known = current.root.intermediate_certs or [""]
        return chain_of([root]) == current.root.root_cert and chain_of([signer]) == known[0]

    def _established(
        self,
        root: x509.Certificate,
        signer: x509.Certificate,
        current: Established | None,
        *,
        mounted: bool | None = None,
    ) -> Established:
        """`current`, where this is what it is."""
        if current is not None and self._is(current, root, signer):
            return current
        record = root_record(root, self._cluster_id, [chain_of([signer])], name=NAME)
        state = dict((None if current is None else current.state) or {})
        if mounted is not None:
            state[_MOUNTED] = "true" if mounted else "false"
        life = RootLife(
            root_id=record.id,
            given=True,
            signer_begins=signer.not_valid_before_utc.timestamp(),
            signer_ends=signer.not_valid_after_utc.timestamp(),
        )
        return Established(root=record, life=life, state=state)


def _certificate(answer: Mapping[str, object], path: str) -> x509.Certificate:
    pem = answer.get("certificate")
    return _parsed(pem if isinstance(pem, str) else "", path)


def _parsed(pem: str, path: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.public_key()
    except UNREADABLE:
        raise PeerError(f"Vault answered {path} without a certificate that can be used") from None
    return certificate


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    told = x509.UniformResourceIdentifier | x509.DNSName | x509.IPAddress
    return {str(name.value) if isinstance(name, told) else repr(name) for name in names}


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _half(certificate: x509.Certificate) -> float:
    return (certificate.not_valid_before_utc.timestamp() + certificate.not_valid_after_utc.timestamp()) / 2
