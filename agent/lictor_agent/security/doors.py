"""Rules about where others come in: HTTP, gRPC, DNS, and the connections between agents and servers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lictor_agent.security.facts import Facts
from lictor_agent.security.finding import Finding, Severity

__all__ = ["RULES"]

_TLS: Final = "ca_file, cert_file, key_file, verify_incoming, verify_outgoing and verify_server_hostname (lictor tls)"


def http_plain(facts: Facts) -> Iterator[Finding]:
    """Tokens and all that is asked cross the network in the clear."""
    if facts.http_plain:
        yield Finding(
            id="http.plain",
            severity=Severity.SEVERE,
            title="the HTTP API speaks plainly beyond loopback",
            reason=f"whoever sees the traffic at {_listed(facts.http_plain)} reads tokens and changes answers",
            setting='addresses.http = "127.0.0.1", and for others ports.https with cert_file and key_file',
        )


def http_writes(facts: Facts) -> Iterator[Finding]:
    """Others than this host may write."""
    if facts.http_open and not facts.write_networks and not facts.https_demands_certificates:
        yield Finding(
            id="http.writes",
            severity=Severity.NOTE if facts.acls and not facts.allows_by_default else Severity.WARNING,
            title="the HTTP API takes writes from everywhere",
            reason=f"{_listed(facts.http_open)} is reached from other hosts, and no network is named that may write",
            setting='http_config { allow_write_http_from = ["127.0.0.0/8"] }, or verify_incoming_https',
        )


def http_debug(facts: Facts) -> Iterator[Finding]:
    """Profiles tell of what goes on, and cost time."""
    if facts.debug and facts.http_open and not facts.acls:
        yield Finding(
            id="http.debug",
            severity=Severity.WARNING,
            title="profiles are taken by whoever asks",
            reason="enable_debug is set, the HTTP API is reached from other hosts, and no token is asked for",
            setting="enable_debug = false",
        )


def grpc_plain(facts: Facts) -> Iterator[Finding]:
    """Envoys are given private keys there."""
    if facts.grpc_plain:
        yield Finding(
            id="grpc.plain",
            severity=Severity.SEVERE,
            title="the gRPC port speaks plainly beyond loopback",
            reason=f"at {_listed(facts.grpc_plain)} Envoys are given the private keys of services, readable on the way",
            setting='addresses.grpc = "127.0.0.1", or ports.https with cert_file and key_file, which hold for both',
        )


def dns_recursion(facts: Facts) -> Iterator[Finding]:
    """An open resolver is used against others."""
    if facts.dns and facts.recursors:
        yield Finding(
            id="dns.recursion",
            severity=Severity.WARNING,
            title="DNS looks up any name for anybody",
            reason=f"{_listed(facts.dns)} is reached from other hosts, and asks {_listed(facts.recursors)} for them: "
            "such resolvers are used to flood others",
            setting='addresses.dns = "127.0.0.1", or no recursors',
        )


def rpc_plain(facts: Facts) -> Iterator[Finding]:
    """Neither who connects nor what is said is protected."""
    plain = [
        f"the server port at {facts.rpc_listening}" if facts.rpc_listening and not facts.rpc_takes_tls else "",
        f"the connection to {facts.rpc_dialed}" if facts.rpc_dialed and not facts.rpc_dials_tls else "",
    ]
    where = " and ".join(filter(None, plain))
    if not where:
        return
    if facts.keys and facts.key_demanded:
        yield Finding(
            id="rpc.plain",
            severity=Severity.WARNING,
            title="agents and servers speak plainly",
            reason=f"{where}: the encrypt key says who may connect, but whoever is on the way reads and changes all",
            setting=_TLS,
        )
    else:
        yield Finding(
            id="rpc.open",
            severity=Severity.SEVERE,
            title="agents and servers speak plainly, and believe anybody",
            reason=f"{where}: who reaches it is taken for a server or an agent, and may write everything",
            setting=f"{_TLS}; at least encrypt",
        )


def rpc_unverified(facts: Facts) -> Iterator[Finding]:
    """TLS that asks for no certificate tells nobody apart."""
    if facts.rpc_listening and facts.rpc_takes_tls and not facts.verify_incoming:
        is_keyed = facts.keys > 0 and facts.key_demanded
        yield Finding(
            id="rpc.unverified",
            severity=Severity.WARNING if is_keyed else Severity.SEVERE,
            title="who connects to the server port need not prove anything",
            reason=f"{facts.rpc_listening} takes TLS, and connections without a certificate, or without TLS, as well",
            setting="verify_incoming = true",
        )


def rpc_hostname(facts: Facts) -> Iterator[Finding]:
    """Any certificate of the CA would do for a server."""
    if facts.rpc_dials_tls and not facts.verify_server_hostname:
        yield Finding(
            id="rpc.hostname",
            severity=Severity.WARNING,
            title="any certificate of the CA passes for that of a server",
            reason="who has the certificate of one agent can pose as a server to the others, and is told their tokens",
            setting="verify_server_hostname = true",
        )


def key_lenient(facts: Facts) -> Iterator[Finding]:
    """A key that is not asked for protects nothing."""
    if not facts.keys:
        return
    off = [
        "encrypt_verify_incoming" if not facts.key_demanded else "",
        "encrypt_verify_outgoing" if not facts.key_offered else "",
    ]
    if names := " and ".join(filter(None, off)):
        yield Finding(
            id="key.lenient",
            severity=Severity.WARNING,
            title="the encrypt key is not insisted upon",
            reason=f"{names} is false, which is for the time in which keys are introduced",
            setting=f"{names.replace(' and', ' = true and')} = true",
        )


def key_several(facts: Facts) -> Iterator[Finding]:
    """A rotation that was not finished."""
    if facts.keys > 1:
        yield Finding(
            id="key.several",
            severity=Severity.NOTE,
            title=f"{facts.keys} encrypt keys are good",
            reason="all of them let agents in: a rotation ends with the removal of the former key",
            setting="lictor keyring -list, then lictor keyring -remove=KEY",
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    http_plain,
    http_writes,
    http_debug,
    grpc_plain,
    dns_recursion,
    rpc_plain,
    rpc_unverified,
    rpc_hostname,
    key_lenient,
    key_several,
)
