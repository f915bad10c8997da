"""The CA that keeps its keys in the servers' own state: the provider `consul`.

Leaves are signed by the root itself, as Consul's primary datacenter does; with `SignByIntermediate` by an intermediate
of `IntermediateCertTTL`, so that the root's key is needed only at half of that life. Source: Consul's documents
`docs/connect/ca/consul` and `docs/agent/options`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from cryptography import x509

from lictor_core.aside import aside
from lictor_core.authority import RootLife
from lictor_core.commands import CAKeyMaterial
from lictor_core.names import intermediate_common_name, trust_domain
from lictor_core.records import CARoot
from lictor_server.ca.intermediates import cross_sign, intermediate_request, sign_intermediate
from lictor_server.ca.keys import PrivateKey, key_pem, load_key, new_key, signing_key_id
from lictor_server.ca.leaves import LeafOrder, SignedLeaf, sign_leaf
from lictor_server.ca.provider import Established, LeafTerms
from lictor_server.ca.roots import adopt_root, make_root
from lictor_server.ca.settings import CASettings

__all__ = ["BuiltIn"]

_LOADED_MAX: Final = 4
"""Keys that are kept as they were read: the root's, its intermediate's, those of settings that are looked at."""
_RSA_ASIDE: Final = "rsa"
"""Keys of this kind take a tenth of a second and more to make, and milliseconds to sign with."""


class BuiltIn:
    """The built-in CA under one set of settings.

    `serials` gives a number of ours alone; `unique` a few characters by chance, for common names.
    """

    def __init__(
        self,
        settings: CASettings,
        cluster_id: str,
        *,
        serials: Callable[[], Awaitable[int]],
        unique: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._cluster_id = cluster_id
        self._serials = serials
        self._unique = unique
        self._loaded: dict[str, PrivateKey] = {}
        """Keys that were read, by their text."""

    async def establish(self, current: Established | None, now: float) -> Established:
        """The root that the settings ask for; `current` where they ask for no other."""
        settings = self._settings
        if settings.root_certificate:
            key = await self._given_key()
            found = self._adopted(key, now)
            return current if current is not None and _same(found, current) else found
        if settings.private_key:
            key = await self._given_key()
            if current is None or current.root.signing_key_id != signing_key_id(key):
                return await self._made(key, now)
        elif current is None or (settings.says_key_kind and settings.key_kind != _kind(current.root)):
            return await self._made(await _new_key(settings.key_kind), now)
        if settings.by_intermediate != _by_intermediate(current):
            return await self._signer_changed(current, now)
        return current

    async def keep(self, current: Established, now: float) -> Established:
        """Nothing is held elsewhere."""
        return current

    async def renew_root(self, current: Established, now: float) -> Established:
        """A new root on a new key of the same kind."""
        return await self._made(await _new_key(_kind(current.root)), now)

    async def renew_intermediate(self, current: Established, now: float) -> Established:
        """The same root with a new intermediate on a new key."""
        assert current.key is not None, "the built-in CA keeps its keys"
        return await self._with_intermediate(current.root, self._key(current.key.private_key), now)

    async def sign_leaf(self, current: Established, order: LeafOrder, terms: LeafTerms) -> SignedLeaf:
        """The leaf, by the intermediate where there is one."""
        pem, text = _signer(current)
        key = self._key(text)

        def sign() -> SignedLeaf:
            return sign_leaf(
                order, issuer_pem=pem, key=key, serial=terms.serial, now=terms.now, lifetime_s=terms.lifetime_s
            )

        return await aside(sign) if current.root.private_key_type == _RSA_ASIDE else sign()

    async def sign_intermediate(self, current: Established, csr: str, terms: LeafTerms) -> str:
        """A CA below the root, for leaves only."""
        pem, text = _root_signer(current)
        key = self._key(text)
        return sign_intermediate(
            csr,
            issuer_pem=pem,
            key=key,
            trust_domain=trust_domain(self._cluster_id),
            serial=terms.serial,
            now=terms.now,
            lifetime_s=terms.lifetime_s,
        )

    async def cross_sign(self, current: Established, root_pem: str, terms: LeafTerms) -> str:
        """Another root, vouched for by this one (by the intermediate, where only its key is here)."""
        pem, text = _root_signer(current)
        key = self._key(text)
        return cross_sign(
            root_pem, issuer_pem=pem, key=key, serial=terms.serial, now=terms.now, lifetime_s=terms.lifetime_s
        )

    async def clean_up(self, current: Established) -> None:
        """Nothing: the keys leave the state with the root that takes over."""

    def _key(self, text: str) -> PrivateKey:
        """The private key in a text that the servers keep, read once."""
        key = self._loaded.get(text)
        if key is None:
            if len(self._loaded) >= _LOADED_MAX:
                self._loaded.clear()
            key = self._loaded[text] = load_key(text, is_ours=True)
        return key

    async def _given_key(self) -> PrivateKey:
        """The private key of the settings, which may be any."""
        return await aside(lambda: load_key(self._settings.private_key))

    def _adopted(self, key: PrivateKey, now: float) -> Established:
        """The given root: its key signs leaves, whether it is the root's own or an intermediate's."""
        root = adopt_root(self._settings.root_certificate, key, cluster_id=self._cluster_id, now=now)
        signer = (root.intermediate_certs or [root.root_cert])[0]
        return Established(
            root=root,
            life=_life(root, signer, given=True),
            key=CAKeyMaterial(root_id=root.id, private_key=key_pem(key)),
        )

    async def _made(self, key: PrivateKey, now: float) -> Established:
        serial = await self._serials()
        root = make_root(
            key,
            cluster_id=self._cluster_id,
            serial=serial,
            unique=self._unique(),
            now=now,
            lifetime_s=self._settings.root_ttl_s,
        )
        if self._settings.by_intermediate:
            return await self._with_intermediate(root, key, now)
        return _self_signing(root, key)

    async def _signer_changed(self, current: Established, now: float) -> Established:
        """The same root, that signs by an intermediate from now on, or no more."""
        if current.life.given or current.key is None:
            return current  # how a given root signs stands in what was given
        key = self._key(current.key.private_key)
        if self._settings.by_intermediate:
            return await self._with_intermediate(current.root, key, now)
        return _self_signing(msgspec.structs.replace(current.root, intermediate_certs=None), key)

    async def _with_intermediate(self, root: CARoot, root_key: PrivateKey, now: float) -> Established:
        domain = trust_domain(self._cluster_id)
        key = await _new_key(_kind(root))
        request = intermediate_request(
            key, common_name=intermediate_common_name(self._unique(), domain), trust_domain=domain
        )
        certificate = sign_intermediate(
            request,
            issuer_pem=root.root_cert,
            key=root_key,
            trust_domain=domain,
            serial=await self._serials(),
            now=now,
            lifetime_s=self._settings.intermediate_ttl_s,
        )
        root = msgspec.structs.replace(root, intermediate_certs=[certificate])
        keys = CAKeyMaterial(root_id=root.id, private_key=key_pem(root_key), intermediate_key=key_pem(key))
        return Established(root=root, life=_life(root, certificate), key=keys)


async def _new_key(kind: tuple[str, int]) -> PrivateKey:
    return await aside(lambda: new_key(*kind)) if kind[0] == _RSA_ASIDE else new_key(*kind)


def _kind(root: CARoot) -> tuple[str, int]:
    return root.private_key_type, root.private_key_bits


def _same(one: Established, other: Established) -> bool:
    return one.root.id == other.root.id and one.key == other.key


def _by_intermediate(current: Established) -> bool:
    return current.key is not None and bool(current.key.intermediate_key)


def _self_signing(root: CARoot, key: PrivateKey) -> Established:
    return Established(
        root=root,
        life=_life(root, root.root_cert),
        key=CAKeyMaterial(root_id=root.id, private_key=key_pem(key)),
    )


def _life(root: CARoot, signer_pem: str, *, given: bool = False) -> RootLife:
    signer = x509.load_pem_x509_certificate(signer_pem.encode())
    return RootLife(
        root_id=root.id,
        given=given,
        signer_begins=signer.not_valid_before_utc.timestamp(),
        signer_ends=signer.not_valid_after_utc.timestamp(),
    )


def _signer(current: Established) -> tuple[str, str]:
    """The certificate and the key that leaves are signed with, both PEM."""
    assert current.key is not None, "the built-in CA keeps its keys"
    chain = current.root.intermediate_certs
    if current.key.intermediate_key:
        assert chain, "an intermediate's key comes with its certificate"
        return chain[0], current.key.intermediate_key
    return _root_signer(current)


def _root_signer(current: Established) -> tuple[str, str]:
    """The certificate and the key that CAs are signed with, both PEM: the root's, or those of the intermediate that was
    given, whose life is not the root's.
    """
    assert current.key is not None, "the built-in CA keeps its keys"
    chain, text = current.root.intermediate_certs, current.key.private_key
    if current.life.given and chain and _given_by_intermediate(current):
        return chain[0], text
    return current.root.root_cert, text


def _given_by_intermediate(current: Established) -> bool:
    """Whether the first certificate below a given root is that of its key, and none that an older root vouches by."""
    root, first = (
        x509.load_pem_x509_certificate(pem.encode())
        for pem in (current.root.root_cert, (current.root.intermediate_certs or [""])[0])
    )
    return root.public_key() != first.public_key()
