"""`lictor tls`: a CA of one's own, and certificates for servers, agents and command lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, GoGroup, ValueKind, flag, option
from lictor_core.errors import RequestError

if TYPE_CHECKING:
    from lictor_server.tls_certificates import CertificateKind, Pair

__all__ = ["command"]

_CA_DAYS: Final = "1825"
_DAYS: Final = "365"
_NUMBERS_MAX: Final = 10_000
_SERIAL_BITS: Final = 127
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o644
_SERVER_WARNING: Final = """\
==> WARNING: whoever has a server's certificate can become a server, and
    read all that the cluster keeps: its private keys and all tokens.
    Keep it on the machines of the servers, as well as the CA's key."""

command = GoGroup(
    "tls",
    help="Make a certificate authority and certificates, for agents that trust each other alone.",
    examples=(
        ("lictor tls ca create", "once: a CA"),
        ("lictor tls cert create -server", "on each server"),
        ("lictor tls cert create -client", "on each other agent"),
        ("lictor tls cert create -cli", "for people at a command line"),
    ),
)
ca = GoGroup("ca", help="Make a certificate authority.", examples=(("lictor tls ca create", "in this directory"),))
cert = GoGroup(
    "cert",
    help="Make certificates that a CA of `lictor tls ca create` signs.",
    examples=(("lictor tls cert create -server -dc=dc1", "for a server"),),
)
command.add_command(ca)
command.add_command(cert)


@ca.command(
    "create",
    cls=GoCommand,
    examples=("lictor tls ca create", "lictor tls ca create -name-constraint -additional-name-constraint=example.com"),
)
@option(
    "-additional-name-constraint",
    "A DNS domain that it may sign for, too; may be repeated. Goes with -name-constraint.",
    metavar="domain",
    multiple=True,
)
@option("-cluster-id", "Id of the cluster that the CA is for: it is made out to its trust domain.", metavar="uuid")
@option("-common-name", "Name of the CA; Lictor Agent CA and a number by default.", metavar="name")
@option("-days", f"Days that the CA is valid; {_CA_DAYS} by default.", metavar="days", kind=ValueKind.WHOLE,
        default=_CA_DAYS)  # fmt: skip
@option("-domain", "Domain of the cluster, consul by default: the files are named after it.", metavar="domain",
        default="consul")  # fmt: skip
@flag("-name-constraint", "Let it sign for localhost, -domain and -additional-name-constraint alone, for ever.")
def create_ca(
    args: tuple[str, ...],
    additional_name_constraint: Sequence[str],
    cluster_id: str,
    common_name: str,
    days: int,
    domain: str,
    name_constraint: bool,
) -> None:
    """Make a certificate authority in this directory: DOMAIN-agent-ca.pem, which every agent gets, and
    DOMAIN-agent-ca-key.pem, which only whoever signs needs. Files that are there are left alone.
    """
    from lictor_core.clock import SystemClock, SystemRng
    from lictor_server.tls_certificates import make_authority

    refuse_arguments(args)
    _check_file_part("domain", domain)
    certificate, key = Path(f"{domain}-agent-ca.pem"), Path(f"{domain}-agent-ca-key.pem")
    _refuse_existing(certificate, key)
    if additional_name_constraint and not name_constraint:
        print("-additional-name-constraint means nothing without -name-constraint", file=sys.stderr)
    permitted = (*additional_name_constraint, domain, "localhost") if name_constraint else ()
    try:
        pair = make_authority(
            days=days,
            serial=SystemRng().bits(_SERIAL_BITS),
            now=SystemClock().now(),
            permitted=permitted,
            common_name=common_name,
            cluster_id=cluster_id,
        )
    except RequestError as error:
        raise CommandError(str(error)) from error
    _save(pair, certificate, key)
    print(f"==> Saved {certificate}")
    print(f"==> Saved {key}")


@cert.command(
    "create",
    cls=GoCommand,
    examples=(
        "lictor tls cert create -server",
        "lictor tls cert create -client -additional-dnsname=consul.example.com",
        "lictor tls cert create -cli -days=30",
    ),
)
@option("-additional-dnsname", "A DNS name to go with localhost; may be repeated.", metavar="name", multiple=True)
@option("-additional-ipaddress", "An IP address to go with 127.0.0.1; may be repeated.", metavar="address",
        multiple=True)  # fmt: skip
@option("-ca", "Certificate of the CA; DOMAIN-agent-ca.pem by default.", metavar="file",
        default="#DOMAIN#-agent-ca.pem")  # fmt: skip
@flag("-cli", "For people at a command line.")
@flag("-client", "For an agent that is no server.")
@option("-days", f"Days that the certificate is valid; {_DAYS} by default.", metavar="days", kind=ValueKind.WHOLE,
        default=_DAYS)  # fmt: skip
@option("-dc", "Datacenter; dc1 by default. Servers show theirs by it.", metavar="name", default="dc1")
@option("-domain", "Domain of the cluster; consul by default.", metavar="domain", default="consul")
@option("-key", "Key of the CA; DOMAIN-agent-ca-key.pem by default.", metavar="file",
        default="#DOMAIN#-agent-ca-key.pem")  # fmt: skip
@option("-node", "Name the node, too: NODE.server.DC.DOMAIN. Goes with -server.", metavar="name")
@flag("-server", "For a server.")
def create_certificate(
    args: tuple[str, ...],
    additional_dnsname: Sequence[str],
    additional_ipaddress: Sequence[str],
    ca: str,
    cli: bool,
    client: bool,
    days: int,
    dc: str,
    domain: str,
    key: str,
    node: str,
    server: bool,
) -> None:
    """Make a certificate and its key in this directory: DC-server-DOMAIN-0.pem and DC-server-DOMAIN-0-key.pem for the
    first of a server, with higher numbers for the next ones. One of -server, -client and -cli is needed.
    """
    from lictor_core.clock import SystemClock, SystemRng
    from lictor_server.tls_certificates import Wish, make_certificate

    refuse_arguments(args)
    kind = _kind(server=server, client=client, cli=cli)
    if node and not server:
        raise CommandError("-node requires -server: only servers are asked for the names of their nodes")
    _check_file_part("dc", dc)
    _check_file_part("domain", domain)
    authority, authority_key = Path(ca.replace("#DOMAIN#", domain)), Path(key.replace("#DOMAIN#", domain))
    certificate_file, key_file = _free_names(f"{dc}-{kind.value}-{domain}")
    authority_pem, key_pem = _read(authority, "CA"), _read(authority_key, "CA key")
    if server:
        print(_SERVER_WARNING)
    print(f"==> Using {authority} and {authority_key}")
    wish = Wish(kind=kind, datacenter=dc, domain=domain, days=days, node=node, names=additional_dnsname,
                addresses=additional_ipaddress)  # fmt: skip
    try:
        made = make_certificate(
            wish,
            authority=authority_pem,
            authority_key=key_pem,
            serial=SystemRng().bits(_SERIAL_BITS),
            now=SystemClock().now(),
        )
    except RequestError as error:
        raise CommandError(str(error)) from error
    if made.ends_at > made.authority_ends_at:
        ends = datetime.fromtimestamp(made.authority_ends_at, UTC)
        print(f"the CA ends before the certificate, at {ends:%Y-%m-%d}: nobody trusts it from then on", file=sys.stderr)
    _save(made, certificate_file, key_file)
    print(f"==> Saved {certificate_file}")
    print(f"==> Saved {key_file}")


def _kind(*, server: bool, client: bool, cli: bool) -> CertificateKind:
    from lictor_server.tls_certificates import CertificateKind

    given = {CertificateKind.SERVER: server, CertificateKind.CLIENT: client, CertificateKind.CLI: cli}
    chosen = [kind for kind, wanted in given.items() if wanted]
    if len(chosen) != 1:
        raise CommandError("say for whom, one of them: -server, -client or -cli")
    return chosen[0]


def _check_file_part(name: str, text: str) -> None:
    if not text or "/" in text or "\0" in text:
        raise CommandError(f'-{name}="{text}" cannot be part of a file\'s name')


def _read(file: Path, what: str) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        made = "; `lictor tls ca create` makes one" if isinstance(error, FileNotFoundError) else ""
        raise CommandError(f"Error reading {what}: {file}: {(error.strerror or str(error)).lower()}{made}") from error


def _free_names(prefix: str) -> tuple[Path, Path]:
    for number in range(_NUMBERS_MAX):
        certificate, key = Path(f"{prefix}-{number}.pem"), Path(f"{prefix}-{number}-key.pem")
        if not (os.path.lexists(certificate) or os.path.lexists(key)):
            return certificate, key
    raise CommandError(f"there are {_NUMBERS_MAX} files named {prefix}-N.pem: work in another directory")


def _refuse_existing(*files: Path) -> None:
    for file in files:
        if os.path.lexists(file):
            raise CommandError(f"{file} already exists: move it away, or work in another directory")


def _save(pair: Pair, certificate: Path, key: Path) -> None:
    """Both or none; what is there already is never written over. The key is for this user alone."""
    written: list[Path] = []
    try:
        for file, text, mode in ((key, pair.key, _PRIVATE), (certificate, pair.certificate, _PUBLIC)):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            written.append(file)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(text)
    except OSError as error:
        for file in written:
            with suppress(OSError):
                file.unlink()
        raise CommandError(
            f"cannot write {error.filename or certificate}: {(error.strerror or str(error)).lower()}"
        ) from error
