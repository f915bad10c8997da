"""Gathers the facts about one agent and its cluster: from its configuration, its files, and the servers."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from lictor_agent import assembly
from lictor_agent.acl.persistence import FILE as TOKEN_FILE
from lictor_agent.agent import Agent
from lictor_agent.http.listening import TcpAddress
from lictor_agent.keyring import FILE as KEYRING_FILE
from lictor_agent.security.facts import CertificateFact, Facts, FileFact, beyond_loopback
from lictor_config.tls import DoorTls
from lictor_config.tree import Configuration
from lictor_core.acl.granted import Grants
from lictor_core.acl.rules import Access, Rule
from lictor_core.addresses import split_host_port
from lictor_core.errors import LictorError, RequestError
from lictor_core.queries import CARootsQuery
from lictor_core.registry import ReadOptions

__all__ = ["gather"]

_BYTES_MAX: Final = 4 * 1024 * 1024
_FILES_MAX: Final = 64
"""Certificates and files that are looked at."""
_SERVER_PORT: Final = 8300


async def gather(agent: Agent, *, now: float, token: str = "") -> Facts:
    """All facts. What cannot be found out stands in them; `token` is of who asks."""
    configuration, unknown = agent.configuration, list[str]()
    anonymous = await _anonymous(agent, unknown)
    roots = await _roots(agent, token, unknown)
    own = await asyncio.to_thread(_certificates, configuration, unknown)
    files = await asyncio.to_thread(lambda: tuple(_files(configuration)))
    http = [one for one in assembly.http_addresses(configuration) if isinstance(one, TcpAddress)]
    rpc, acl = configuration.tls.internal_rpc, configuration.acl
    ring = agent.keyring.ring
    return Facts(
        now=now,
        server=configuration.server,
        http_plain=beyond_loopback((one.host, one.port) for one in http if not one.is_secure),
        http_secured=beyond_loopback((one.host, one.port) for one in http if one.is_secure),
        https_demands_certificates=configuration.tls.https.verify_incoming,
        write_networks=configuration.http.allow_write_http_from,
        debug=configuration.enable_debug,
        grpc_plain=()
        if assembly.grpc_is_secured(configuration)
        else beyond_loopback(assembly.grpc_addresses(configuration)),
        dns=beyond_loopback(assembly.dns_addresses(configuration)),
        recursors=configuration.dns.recursors,
        rpc_listening=_listening(configuration),
        rpc_dialed=await _dialed(agent, unknown),
        rpc_takes_tls=rpc.has_certificate,
        rpc_dials_tls=rpc.verify_outgoing or rpc.verify_server_hostname or configuration.auto_encrypt.tls,
        verify_incoming=rpc.verify_incoming,
        verify_server_hostname=rpc.verify_server_hostname,
        keys=0 if ring is None else len(ring.keys),
        key_demanded=configuration.encrypt.verify_incoming,
        key_offered=configuration.encrypt.verify_outgoing,
        acls=acl.enabled,
        allows_by_default=acl.allows_by_default,
        down_policy=acl.down_policy,
        anonymous_reads=_granted(anonymous, Access.READ),
        anonymous_writes=_granted(anonymous, Access.WRITE),
        scripts_by_api=configuration.enable_script_checks,
        remote_exec=not configuration.disable_remote_exec,
        certificates=(*own, *roots, *_leaves(agent)),
        files=files,
        unknown=tuple(unknown),
    )


def _leaves(agent: Agent) -> Iterator[CertificateFact]:
    span = agent.leaf_span()
    if span is not None:
        yield CertificateFact(
            name="the leaf of a service here",
            begins=span[0],
            ends=span[1],
            renewal="its renewal fails, as the log says; see lictor connect ca status",
            renews_itself=True,
        )


def _listening(configuration: Configuration) -> str:
    """Where the server port is reached from elsewhere."""
    if not configuration.server:
        return ""
    return next(iter(beyond_loopback([(configuration.bind_addr, configuration.ports.server)])), "")


async def _dialed(agent: Agent, unknown: list[str]) -> str:
    """A server beyond loopback that this agent talks to."""
    try:
        status = await agent.registry.leader_status()
        places = [split_host_port(one, _SERVER_PORT) for one in (*status.peers, status.address) if one]
    except (LictorError, RequestError) as error:
        unknown.append(f"who the servers are: {error}")
        return ""
    configuration = agent.configuration
    own = (configuration.advertise_addr, configuration.ports.server) if configuration.server else None
    return next(iter(beyond_loopback(place for place in places if place != own)), "")


async def _anonymous(agent: Agent, unknown: list[str]) -> Grants | None:
    if not agent.configuration.acl.enabled:
        return None
    try:
        return await agent.registry.resolve_token("")
    except LictorError as error:
        unknown.append(f"what the anonymous token may do: {error}")
        return None


def _granted(grants: Grants | None, access: Access) -> tuple[str, ...]:
    """The rules that grant so much, as policies write them."""
    if grants is None:
        return ()
    found: list[str] = []
    for policy in grants.policies:
        if policy.is_management:
            return ("everything, by a policy of management",)
        found += [rule.shown for rule in policy.rules if _grants(rule, access)]
    return tuple(found)


def _grants(rule: Rule, access: Access) -> bool:
    return rule.access >= access or (rule.intentions is not None and rule.intentions >= access)


async def _roots(agent: Agent, token: str, unknown: list[str]) -> list[CertificateFact]:
    """The roots of the mesh that are in use."""
    if not agent.configuration.connect.enabled:
        return []
    try:
        reading = await agent.registry.read(CARootsQuery(), ReadOptions(token=token))
    except LictorError as error:
        unknown.append(f"the roots of the mesh: {error}")
        return []
    return [
        CertificateFact(
            name="the active root of the mesh",
            begins=datetime.fromisoformat(root.not_before).timestamp(),
            ends=datetime.fromisoformat(root.not_after).timestamp(),
            renewal="lictor connect ca set-config with another key, which makes a new root",
        )
        for root in reading.value.roots
        if root.active
    ]


def _certificates(configuration: Configuration, unknown: list[str]) -> list[CertificateFact]:
    """Those that files hold: what the doors show, and the CAs that they trust. Blocks."""
    paths: dict[str, str] = {}
    for door in configuration.tls.doors:
        for name, path in (("cert_file", door.cert_file), ("ca_file", door.ca_file)):
            if path:
                paths.setdefault(path, door.key(name))
    found: list[CertificateFact] = []
    for path, key in list(paths.items())[:_FILES_MAX]:
        try:
            found += _in_file(path, key)
        except (OSError, ValueError) as error:
            unknown.append(f"{key}: {path} cannot be read: {error}")
    return found


def _in_file(path: str, key: str) -> Iterator[CertificateFact]:
    from cryptography import x509  # it costs memory, and few agents have certificates

    with Path(path).open("rb") as file:
        data = file.read(_BYTES_MAX)
    is_ca = key.endswith("ca_file")
    for certificate in x509.load_pem_x509_certificates(data)[: _FILES_MAX if is_ca else 1]:
        yield CertificateFact(
            name=f"the {'CA certificate' if is_ca else 'certificate'} in {path}",
            begins=certificate.not_valid_before_utc.timestamp(),
            ends=certificate.not_valid_after_utc.timestamp(),
            renewal=f"{key}: a new file by lictor tls {'ca' if is_ca else 'cert'} create, then lictor reload",
        )


def _files(configuration: Configuration) -> Iterator[FileFact]:
    """Files with secrets. Blocks."""
    holds: dict[str, str] = {}
    if configuration.data_dir and not configuration.dev:
        kept = "all of the state, the CA's key among it" if configuration.server else "registrations with their tokens"
        holds[configuration.data_dir] = kept
        holds[str(Path(configuration.data_dir) / KEYRING_FILE)] = "the encrypt keys"
        holds[str(Path(configuration.data_dir) / TOKEN_FILE)] = "the tokens of this agent"
    for path in _keys(configuration.tls.doors):
        holds[path] = "a private key"
    if _has_secrets(configuration):
        for path in configuration.origin.files[:_FILES_MAX]:
            holds.setdefault(path, "a configuration with secrets")
    for path, what in holds.items():
        try:
            mode = stat.S_IMODE(Path(path).stat().st_mode)
        except OSError:
            continue  # what is not there is open to nobody
        yield FileFact(path=path, mode=mode, holds=what, is_directory=path == configuration.data_dir)


def _keys(doors: Sequence[DoorTls]) -> Iterator[str]:
    for door in doors:
        if door.key_file:
            yield door.key_file


def _has_secrets(configuration: Configuration) -> bool:
    tokens = configuration.acl.tokens
    return any((configuration.encrypt.key, tokens.default, tokens.agent, tokens.agent_master, tokens.master))
