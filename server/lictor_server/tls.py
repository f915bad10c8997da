"""TLS between servers, and from agents to servers: what is configured, checked at start, and as contexts for use.

As Consul has it: a certificate lets a server take TLS beside plain connections, `verify_incoming_rpc` refuses all that
do not prove themselves, `verify_outgoing` makes it dial with TLS, and `verify_server_hostname` wants whoever is dialed
to prove `server.<datacenter>.<domain>`, which only certificates of servers carry. TLS 1.3 is spoken unless an older
version is allowed. Nothing is resumed, so that each connection is judged by today's certificates.
"""

from __future__ import annotations

import re
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, NamedTuple
from urllib.parse import unquote

from lictor_config.ciphers import openssl_names
from lictor_core.errors import ConfigurationError, PeerError, RequestError
from lictor_core.names import AgentId, parse_spiffe
from lictor_server.tls_pair import PemPair, no_password, show_pair

__all__ = [
    "AGENT_BYTE",
    "ALPN_RAFT",
    "ALPN_RPC",
    "NOBODY",
    "PLAIN",
    "Proof",
    "Tls",
    "TlsSettings",
    "load_tls",
    "untrusted",
]

AGENT_BYTE: Final = ord("A")
"""Stands before TLS: who comes has a certificate of the mesh's CA, or none yet."""
ALPN_RAFT: Final = "lictor-raft/1"
ALPN_RPC: Final = "lictor-rpc/1"
"""What a connection to the server port is for; one that says nothing is RPC."""
_EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED."""
_HINT_EXPIRED: Final = (
    "; its log tells which and when (agent.certificate.expired): give it a new one and reload it there, or see that no "
    "clock is wrong"
)
_VERSIONS: Final = {
    "": ssl.TLSVersion.TLSv1_3,
    "tls10": ssl.TLSVersion.TLSv1_2,
    "tls11": ssl.TLSVersion.TLSv1_2,
    "tls12": ssl.TLSVersion.TLSv1_2,
    "tls13": ssl.TLSVersion.TLSv1_3,
}
"""The oldest version for each word of Consul's; what is older than 1.2 is not spoken whoever allows it."""


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """Where the material is and what must be proven; names are Consul's. Of `ca_file` and `ca_path` the first wins."""

    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify_incoming_rpc: bool = False
    """Take no connection to the server port without a certificate that the CA signed."""
    verify_outgoing: bool = False
    """Dial servers with TLS, and only such as the CA signed for."""
    verify_server_hostname: bool = False
    """And only such as prove to be servers; includes `verify_outgoing`."""
    min_version: str = ""
    """`tls12` allows TLS 1.2, too; empty and `tls13` do not."""
    cipher_suites: str = ""
    """Names of Go with commas between them, for TLS 1.2."""
    datacenter: str = "dc1"
    domain: str = "consul"
    gives_certificates: bool = False
    """Whether agents may come without one, to get one that the CA of the mesh signs (`auto_encrypt.allow_tls`)."""
    asks_for_certificate: bool = False
    """Whether servers are dialed at the door for such agents (`auto_encrypt.tls`)."""
    pair: PemPair | None = None
    """What an agent that asked was given; files hold before it."""
    said: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)
    """Paths of the keys that have others than their names, for messages."""

    def key(self, name: str) -> str:
        """The path of the key that said `name`."""
        return self.said.get(name, name)

    @property
    def server_name(self) -> str:
        """The DNS name that the certificates of servers carry."""
        return f"server.{self.datacenter}.{self.domain}".lower()


class Proof(NamedTuple):
    """What a peer's certificate proves, once its chain was verified."""

    is_server: bool
    node_ids: frozenset[str]
    """The node ids it is made out to; empty when it names none, as certificates made by Consul's command do not."""
    node_names: frozenset[str] = frozenset()
    """The names of the agents, in small letters, that it is made out to, as those of `auto_encrypt` are."""


NOBODY: Final = Proof(is_server=False, node_ids=frozenset())
"""What is proven by who shows no certificate where one is asked for."""
_AGENT: Final = re.compile(r"spiffe://[^/]+/agent/client/dc/[^/]+/id/([^/]+)")
"""The identity of an agent in the Connect CA's certificates, as Consul writes it."""


@dataclass(kw_only=True)
class Tls:
    """Contexts in use. Where one is None, that direction speaks plain TCP.

    Who accepts or dials asks at each connection: `take` changes it for those to come, and leaves those that stand.
    """

    listening: ssl.SSLContext | None = None
    dialing_raft: ssl.SSLContext | None = None
    dialing_rpc: ssl.SSLContext | None = None
    for_agents: ssl.SSLContext | None = None
    """For those who have a certificate of the mesh's CA, or none yet; None where nobody is given any."""
    knocks: bool = False
    """Whether servers are dialed at that door."""
    settings: TlsSettings = TlsSettings()
    trust_domain: str = ""
    agent_roots: str = ""
    """Whom agents' certificates are believed from, PEM, and for which trust domain; empty until that is known."""
    incoming_required: bool = False
    """Whether plain connections are refused, and every caller shows a certificate."""
    server_name: str = ""
    warnings: tuple[str, ...] = ()
    """What works here and may not at the other end; for the log, once."""

    def proof(self, peer: ssl.SSLObject) -> Proof | None:
        """What the other end proved; None when nobody has to prove anything, and it did not."""
        certificate = peer.getpeercert()
        if not certificate:
            return NOBODY if self.incoming_required else None
        names = frozenset(
            str(name[1]).lower()
            for name in certificate.get("subjectAltName", ())
            if name[0] == "DNS" and len(name) == 2
        )
        agents = frozenset(
            unquote(found[1]).lower()
            for name in certificate.get("subjectAltName", ())
            if name[0] == "URI" and len(name) == 2 and (found := _AGENT.fullmatch(str(name[1]))) is not None
        )
        ids = frozenset(id for name in names if (id := self._node_id(name)))
        return Proof(self.server_name in names, ids, agents)

    def take(self, other: Tls) -> None:
        """Be as `other` for connections from now on; those that stand go on. Agents' roots are those of before."""
        domain, roots = self.trust_domain, self.agent_roots
        for one in fields(self):
            setattr(self, one.name, getattr(other, one.name))
        self.trust_domain, self.agent_roots = domain, roots
        if self.for_agents is not None:
            _believe(self.for_agents, roots)

    def trust_agents(self, trust_domain: str, roots: str) -> None:
        """Believe agents by these roots (PEM) of the mesh from now on, and by no others.

        Raises `ConfigurationError` when the server's own certificate cannot be read any more: those before are
        believed, too, then.
        """
        self.trust_domain, self.agent_roots = trust_domain, roots
        if self.for_agents is None:
            return
        try:
            fresh = _for_agents(self.settings)
        except ConfigurationError:
            _believe(self.for_agents, roots)
            raise
        _believe(fresh, roots)
        self.for_agents = fresh

    def agent_proof(self, peer: ssl.SSLObject) -> Proof | None:
        """What an agent proved at the door for agents; None when it has no certificate yet.

        Raises `PeerError` for what the mesh's CA signed for others: a service is no agent.
        """
        certificate = peer.getpeercert()
        if not certificate:
            return None
        for name in certificate.get("subjectAltName", ()):
            if len(name) != 2 or name[0] != "URI":
                continue
            try:
                identity = parse_spiffe(str(name[1]))
            except RequestError:
                continue
            if (
                isinstance(identity, AgentId)
                and identity.trust_domain == self.trust_domain
                and identity.datacenter.lower() == self.settings.datacenter.lower()
            ):
                return Proof(is_server=False, node_ids=frozenset(), node_names=frozenset({identity.node.lower()}))
        raise PeerError("its certificate is none of an agent of this datacenter")

    def _node_id(self, name: str) -> str:
        label, _, rest = name.partition(".")
        return label if rest == self.server_name and _is_uuid(label) else ""


PLAIN: Final = Tls()
"""No TLS at all, for those who never take another one."""


def untrusted(address: str, error: ssl.SSLCertVerificationError) -> str:
    """What is told of who shows a certificate that cannot be trusted. When it ended, its own log tells alone."""
    hint = _HINT_EXPIRED if error.verify_code == _EXPIRED else ""
    return f"{address} shows a certificate that cannot be trusted: {error.verify_message}{hint}"


def load_tls(settings: TlsSettings, *, now: float) -> Tls:
    """Read and check everything. Raises `ConfigurationError` naming the setting, the file and the reason.

    `now` is in seconds since 1970: certificates out of their time are refused at start, not at the first handshake.
    """
    if settings.min_version not in _VERSIONS:
        raise ConfigurationError(
            f"{settings.key('tls_min_version')}: {settings.min_version!r} is none of "
            f"{', '.join(filter(None, _VERSIONS))}"
        )
    # Imported here: certificates take much memory to read, and most agents on loopback have none.
    from lictor_server.tls_material import check_pair, read_roots

    roots = read_roots(settings, now)
    dials = settings.verify_outgoing or settings.verify_server_hostname or settings.asks_for_certificate
    if dials and not roots:
        key = settings.key("verify_outgoing" if settings.verify_outgoing else "verify_server_hostname")
        raise ConfigurationError(f"{key}: needs ca_file or ca_path, which say whom to trust")
    if settings.verify_incoming_rpc and not roots:
        raise ConfigurationError(
            f"{settings.key('verify_incoming')}: needs ca_file or ca_path, which say whom to trust"
        )
    has_pair = bool(settings.cert_file and settings.key_file)
    if settings.verify_incoming_rpc and not has_pair and not settings.asks_for_certificate:
        raise ConfigurationError(
            f"{settings.key('verify_incoming')}: needs cert_file and key_file, without which nobody can dial with TLS"
        )
    warnings = check_pair(settings, now) if has_pair else ()
    return Tls(
        listening=_listening(settings, roots) if has_pair else None,
        dialing_raft=_dialing(settings, roots, ALPN_RAFT) if dials else None,
        dialing_rpc=_dialing(settings, roots, ALPN_RPC) if dials else None,
        for_agents=_for_agents(settings) if has_pair and settings.gives_certificates else None,
        knocks=settings.asks_for_certificate,
        settings=settings,
        incoming_required=settings.verify_incoming_rpc,
        server_name=settings.server_name,
        warnings=warnings,
    )


def _listening(settings: TlsSettings, roots: str) -> ssl.SSLContext:
    context = _common(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)
    context.num_tickets = 0
    context.set_alpn_protocols([ALPN_RAFT, ALPN_RPC])
    if settings.verify_incoming_rpc:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=roots)
    return context


def _for_agents(settings: TlsSettings) -> ssl.SSLContext:
    context = _common(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)
    context.num_tickets = 0
    context.set_alpn_protocols([ALPN_RPC])
    return context


def _believe(context: ssl.SSLContext, roots: str) -> None:
    """Whoever shows a certificate must have it from these roots; who shows none may only ask for one."""
    if roots:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=roots)


def _dialing(settings: TlsSettings, roots: str, alpn: str) -> ssl.SSLContext:
    context = _common(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), settings)
    context.check_hostname = settings.verify_server_hostname
    context.hostname_checks_common_name = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=roots)
    context.set_alpn_protocols([alpn])
    return context


def _common(context: ssl.SSLContext, settings: TlsSettings) -> ssl.SSLContext:
    context.minimum_version = _VERSIONS[settings.min_version]
    if settings.cipher_suites:
        context.set_ciphers(":".join(openssl_names(settings.cipher_suites, settings.key("tls_cipher_suites"))))
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # Whatever stands in the CA's file is trusted, also an intermediate CA, as by Consul.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _show(context, settings)
    return context


def _show(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Have `context` show the certificate, where there is one."""
    if not (settings.cert_file and settings.key_file):
        if settings.pair is not None:
            show_pair(context, settings.pair)
        return
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file, password=no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"{settings.key('cert_file')}: {settings.cert_file} with {settings.key('key_file')} {settings.key_file} "
            f"cannot be used: {error}"
        ) from error


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
