"""The file that describes a cluster to be asked: where it is, what may be done to it. TOML; `docs/torture.md` has one.

Everything that is wrong is told at once, with where it stands.
"""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from lictor_jepsen.net import Node
from lictor_jepsen.workload import House

__all__ = [
    "COMMAND_S_MAX",
    "PLACES",
    "STALE_S_MAX",
    "TTL_MIN_S_MAX",
    "ClusterFile",
    "ClusterFileError",
    "Command",
    "read_cluster_file",
]

COMMAND_S_MAX: Final = 300.0
"""The longest time that a command may be given."""
STALE_S_MAX: Final = 10.0
"""The oldest answers of DNS that a run can judge: it works on a name for not much longer."""
TTL_MIN_S_MAX: Final = 60.0
"""The longest TTL that sessions of a run may need."""
PLACES: Final = ("{node}", "{address}", "{seed}")
"""What in the words of a command is filled in: the name and address of the node it is for, and the fault's seed."""


class ClusterFileError(ValueError):
    """A file cannot be used; the message names the file and all that is wrong."""


class _Member(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    http: str
    dns: str = ""


class Command(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A fault that the owner allows: what begins it and what ends it, each a program with its arguments."""

    name: str
    begin: tuple[str, ...]
    end: tuple[str, ...]
    per: Literal["server", "agent", "cluster"] = "server"
    """For whom: one server, one agent, or the whole cluster."""
    seconds_max: float = 30.0
    """How long each of the two may take; then it is killed and counts as failed."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    server: tuple[_Member, ...]
    agent: tuple[_Member, ...] = ()
    fault: tuple[Command, ...] = ()
    name: str = "cluster"
    token: str = ""
    token_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    session_ttl_min_s: float = House().session_ttl_min_ms / 1000
    dns_max_stale_s: float | None = None
    dns_domain: str = "consul"


class ClusterFile(NamedTuple):
    """A cluster as its owner describes it."""

    name: str
    servers: tuple[Node, ...]
    agents: tuple[Node, ...]
    urls: dict[str, str]
    """Where each serves HTTP, with the token; for requests alone, since it is a secret."""
    faults: tuple[Command, ...]
    tls: ssl.SSLContext | None
    dns: Mapping[str, tuple[str, int]] = {}
    """Where those answer DNS of whom it is told."""
    domain: str = "consul."
    """That of DNS."""
    session_ttl_min_ms: int = House().session_ttl_min_ms
    dns_max_stale_ms: int | None = None

    @property
    def everybody(self) -> tuple[Node, ...]:
        """Servers and agents."""
        return (*self.servers, *self.agents)

    @property
    def asked(self) -> tuple[Node, ...]:
        """Whom clients ask: the agents, where there are some."""
        return self.agents or self.servers

    @property
    def house(self) -> House:
        """What workloads have to know of it."""
        has_dns = all(node.name in self.dns for node in self.asked)
        return House(self.session_ttl_min_ms, self.dns_max_stale_ms, has_dns)


def read_cluster_file(path: Path) -> ClusterFile:
    """Read and check it. Files that it names are looked for beside it. Raises `ClusterFileError`."""
    try:
        told = msgspec.convert(tomllib.loads(path.read_text()), _File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ClusterFileError(f"{path}: {error}") from error
    problems = list(_problems(told))
    token = told.token
    tls = None
    try:
        if told.token_file:
            token = (path.parent / told.token_file).read_text().strip()
        if any(urlsplit(one.http).scheme == "https" for one in (*told.server, *told.agent)):
            tls = _tls(path.parent, told)
    except OSError as error:  # of ssl, too
        problems.append(f"{error.filename or 'TLS'}: {error.strerror or error}")
    if problems:
        raise ClusterFileError(f"{path}: " + "; ".join(problems))
    servers = tuple(_node(number, one) for number, one in enumerate(told.server, 1))
    agents = tuple(_node(number, one) for number, one in enumerate(told.agent, 1))
    urls = {one.name: _with_token(one.http, token) for one in (*told.server, *told.agent)}
    return ClusterFile(
        told.name,
        servers,
        agents,
        urls,
        told.fault,
        tls,
        dns={one.name: _dns(one) for one in (*told.server, *told.agent) if one.dns},
        domain=f"{told.dns_domain.strip('.').lower()}.",
        session_ttl_min_ms=round(told.session_ttl_min_s * 1000),
        dns_max_stale_ms=None if told.dns_max_stale_s is None else round(told.dns_max_stale_s * 1000),
    )


def _problems(told: _File) -> Iterator[str]:
    names = [one.name for one in (*told.server, *told.agent)]
    if not told.server:
        yield "no [[server]]: name at least one"
    if not told.name.replace("-", "").replace("_", "").isalnum():
        yield f"name = {told.name!r}: letters, digits, - and _ alone, since keys and folders are named by it"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two are named {name!r}"
    for one in (*told.server, *told.agent):
        parts = urlsplit(one.http)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
            yield f"{one.name}: http = {one.http!r} is no address such as http://10.0.0.1:8500"
        if one.dns and not all(_dns(one)):
            yield f"{one.name}: dns = {one.dns!r} is no address with a port, such as 10.0.0.1:8600"
    if not 0 < told.session_ttl_min_s <= TTL_MIN_S_MAX:
        yield f"session_ttl_min_s is above 0 and at most {TTL_MIN_S_MAX:.0f}"
    if told.dns_max_stale_s is not None and not 0 <= told.dns_max_stale_s <= STALE_S_MAX:
        yield (
            f"dns_max_stale_s is from 0 to {STALE_S_MAX:.0f}: a run is too short to see an answer that is older; "
            "where dns_config.max_stale is longer, names cannot be judged"
        )
    if told.token and told.token_file:
        yield "token and token_file: give one of them"
    if bool(told.cert_file) != bool(told.key_file):
        yield "cert_file and key_file come together"
    for fault in told.fault:
        yield from (f"[[fault]] {fault.name!r}: {problem}" for problem in _fault_problems(fault, told))


def _fault_problems(fault: Command, told: _File) -> Iterator[str]:
    if sum(other.name == fault.name for other in told.fault) > 1:
        yield "there are two of that name"
    if not fault.name or any(sign in fault.name for sign in ",+ ") or fault.name in ("none", "mixed"):
        yield "a name is without spaces, commas and +, and neither none nor mixed"
    if not fault.begin or not fault.end:
        yield "begin and end are each a list of a program and its arguments; one that does nothing is ['true']"
    if not 0 < fault.seconds_max <= COMMAND_S_MAX:
        yield f"seconds_max is above 0 and at most {COMMAND_S_MAX:.0f}"
    if fault.per == "agent" and not told.agent:
        yield "it is per agent, and there is no [[agent]]"
    if fault.per == "cluster" and any(place in word for word in (*fault.begin, *fault.end) for place in PLACES[:2]):
        yield "it is for the whole cluster: {node} and {address} stand for nobody"


def _tls(folder: Path, told: _File) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / told.ca_file) if told.ca_file else None)
    if told.cert_file:
        context.load_cert_chain(folder / told.cert_file, folder / told.key_file)
    return context


def _dns(member: _Member) -> tuple[str, int]:
    """Address and port; empty and 0 for what is none."""
    try:
        parts = urlsplit(f"//{member.dns}")
        return parts.hostname or "", parts.port or 0
    except ValueError:
        return "", 0


def _node(number: int, member: _Member) -> Node:
    return Node(number, member.name, urlsplit(member.http).hostname or "")


def _with_token(url: str, token: str) -> str:
    parts = urlsplit(url)
    access = f":{quote(token, safe='')}@" if token else ""
    return f"{parts.scheme}://{access}{parts.netloc}"
