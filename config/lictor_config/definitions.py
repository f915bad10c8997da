"""Service definitions, and the one door through which definitions come in: HTTP bodies, files and the command line.

`parse_service` and `parse_check` take a plain mapping and raise one `DefinitionError` that names everything wrong with
it. Sources: Consul's documents `docs/discovery/services`, `docs/connect/registration`, `api-docs/agent/service`; the
rules and their short texts are those that Consul 1.8.7 answers with, since clients match on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from lictor_config.checks import CheckDefinition, CheckKind, note_flaws, read_check, read_checks
from lictor_config.metadata import metadata_flaw
from lictor_config.proxies import kind_flaws, read_proxy
from lictor_config.reading import Dialect, Path, Problem, ProblemGroup, Reader
from lictor_core.errors import RequestError
from lictor_core.records import Expose, MeshGateway, Proxy, ServiceAddress, ServiceKind, Weights

__all__ = [
    "CheckDefinition",
    "CheckKind",
    "DefinitionError",
    "Dialect",
    "ServiceDefinition",
    "dns_warnings",
    "parse_check",
    "parse_service",
    "read_service",
]

_UNUSABLE_ADDRESSES: Final = ("0.0.0.0", "::", "[::]")
_WEIGHT_MAX: Final = 65_535  # RFC 2782: the weight of an SRV record has 16 bits
_NOT_IN_DNS_NAME: Final = re.compile(r"[^A-Za-z0-9\-]")
_DNS_LABEL_CHARS_MAX: Final = 63  # RFC 1035, section 2.3.4

_NO_PROXY: Final = Proxy(mesh_gateway=MeshGateway(), expose=Expose())
_EVEN: Final = Weights(passing=1, warning=1)


class DefinitionError(RequestError):
    """A service or check definition that cannot be used. Its text is Consul's answer to it over HTTP."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(_answer(self.problems))


@dataclass(frozen=True, kw_only=True)
class ServiceDefinition:
    """One instance as somebody defined it. `id` may be empty (the agent takes the name); so may `sidecar`'s fields.

    `sidecar` is the proxy to register beside it, with what it was given; the agent fills in the rest.
    """

    kind: ServiceKind = ServiceKind.TYPICAL
    id: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    address: str = ""
    tagged_addresses: dict[str, ServiceAddress] = field(default_factory=dict[str, ServiceAddress])
    meta: dict[str, str] = field(default_factory=dict[str, str])
    port: int = 0
    weights: Weights = _EVEN
    enable_tag_override: bool = False
    token: str = ""
    checks: tuple[CheckDefinition, ...] = ()
    proxy: Proxy = _NO_PROXY
    native: bool = False
    sidecar: ServiceDefinition | None = None


def parse_service(value: object, dialect: Dialect = Dialect.HTTP) -> ServiceDefinition:
    """The service in `value`, a mapping (null counts as an empty one). Raises `DefinitionError`."""
    reader = _reader(value, dialect)
    service = read_service(reader)
    _raise(reader)
    return service


def parse_check(value: object, dialect: Dialect = Dialect.HTTP) -> CheckDefinition:
    """The stand-alone check in `value`, a mapping. Raises `DefinitionError`."""
    reader = _reader(value, dialect)
    check = read_check(reader, nested=False)
    note_flaws(reader, check, nested=False)
    _raise(reader)
    return check


def read_service(reader: Reader) -> ServiceDefinition:
    """The service in a mapping, problems noted in the reader."""
    service = _read_fields(reader, "Invalid check: ")
    if not service.name:
        reader.note("name", "Missing service name", ProblemGroup.VALUE)
    if reader.dialect is Dialect.HTTP and service.address in _UNUSABLE_ADDRESSES:
        reader.note("address", "Invalid service address", ProblemGroup.VALUE)
    if (flaw := metadata_flaw(service.meta, allow_reserved=False, kind=service.kind)) is not None:
        reader.note("meta", f"Invalid Service Meta: {flaw}", ProblemGroup.VALUE)
    if service.sidecar is not None and service.kind is ServiceKind.MESH_GATEWAY:
        reader.note("", "A mesh-gateway cannot have a sidecar service defined", ProblemGroup.RULE)
    for flaw in kind_flaws(service.kind, service.port, service.proxy, native=service.native):
        reader.note("", flaw, ProblemGroup.RULE)
    return service


def dns_warnings(service: ServiceDefinition) -> list[str]:
    """Why parts of `service` cannot be found through DNS; it can be registered all the same."""
    kinds = [("service name", service.name), *(("tag", tag) for tag in service.tags)]
    warnings: list[str] = []
    for what, name in kinds:
        if _NOT_IN_DNS_NAME.search(name) is not None:
            warnings.append(f"{what} {name!r} cannot be found through DNS: use only letters, digits and dashes")
        elif len(name) > _DNS_LABEL_CHARS_MAX:
            warnings.append(
                f"{what} {name!r} cannot be found through DNS: longer than {_DNS_LABEL_CHARS_MAX} characters"
            )
    return warnings


def _read_fields(reader: Reader, check_prefix: str) -> ServiceDefinition:
    weights = _read_weights(reader)
    connect = reader.child("connect")
    native, sidecar = (False, None) if connect is None else _read_connect(connect)
    service = ServiceDefinition(
        kind=_read_kind(reader),
        id=reader.text("id"),
        name=reader.text("name"),
        tags=reader.texts("tags"),
        address=reader.text("address"),
        tagged_addresses=_read_tagged_addresses(reader),
        meta=reader.text_map("meta"),
        port=reader.integer("port"),
        weights=weights,
        enable_tag_override=reader.boolean("enable_tag_override"),
        token=reader.text("token"),
        checks=read_checks(reader, check_prefix),
        proxy=read_proxy(child) if (child := reader.child("proxy")) is not None else _NO_PROXY,
        native=native,
        sidecar=sidecar,
    )
    reader.done()
    return service


def _read_kind(reader: Reader) -> ServiceKind:
    text = reader.text("kind")
    try:
        return ServiceKind(text)
    except ValueError:
        # Consul takes any kind and treats one it does not know as a typical service; `typical` is its word for that.
        return ServiceKind.TYPICAL


def _read_tagged_addresses(reader: Reader) -> dict[str, ServiceAddress]:
    found: dict[str, ServiceAddress] = {}
    for name, child in reader.named_children("tagged_addresses").items():
        found[name] = ServiceAddress(address=child.text("address"), port=child.integer("port"))
        child.done()
    return found


def _read_weights(reader: Reader) -> Weights:
    child = reader.child("weights")
    if child is None:
        return _EVEN
    weights = Weights(passing=child.integer("passing"), warning=child.integer("warning"))
    child.done()
    if weights.passing < 1:
        child.note("passing", "Invalid Weights: Passing must be greater than 0", ProblemGroup.VALUE)
    elif weights.warning < 0:
        child.note("warning", "Invalid Weights: Warning must be greater or equal than 0", ProblemGroup.VALUE)
    elif max(weights.passing, weights.warning) > _WEIGHT_MAX:
        message = f"Invalid Weights: DNS Weight must be between 0 and {_WEIGHT_MAX}"
        child.note("", message, ProblemGroup.VALUE)
    return weights


def _read_connect(reader: Reader) -> tuple[bool, ServiceDefinition | None]:
    native = reader.boolean("native")
    child = reader.child("sidecar_service")
    sidecar = None if child is None else _read_sidecar(child)
    if reader.dialect is Dialect.FILE:
        reader.done()  # over HTTP Consul overlooks unknown keys here, and only here
    return native, sidecar


def _read_sidecar(reader: Reader) -> ServiceDefinition:
    sidecar = _read_fields(reader, "Invalid check in sidecar_service: ")
    if sidecar.id:
        reader.note("id", "A SidecarService cannot specify an ID as this is managed by the agent", ProblemGroup.RULE)
    if sidecar.sidecar is not None:
        reader.note("connect", "A SidecarService cannot have a nested SidecarService", ProblemGroup.RULE)
    is_file = reader.dialect is Dialect.FILE  # over HTTP the agent says so, once it knows the whole sidecar
    if is_file and (flaw := metadata_flaw(sidecar.meta, allow_reserved=False)) is not None:
        reader.note("meta", f"Invalid SidecarService: {flaw}", ProblemGroup.VALUE)
    return sidecar


def _reader(value: object, dialect: Dialect) -> Reader:
    if value is None:
        return Reader({}, dialect=dialect)
    if not isinstance(value, Mapping):
        raise DefinitionError([Problem((), "a definition must be a JSON object")])
    return Reader(cast("Mapping[str, object]", value), dialect=dialect)


def _raise(reader: Reader) -> None:
    if reader.problems:
        raise DefinitionError(reader.problems)


def _answer(problems: tuple[Problem, ...]) -> str:
    decode = [_decode_text(problem) for problem in problems if problem.group is ProblemGroup.DECODE]
    if decode:
        return "Request decode failed: " + "; ".join(decode)
    values = [problem.message for problem in problems if problem.group is ProblemGroup.VALUE]
    rules = [problem.message for problem in problems if problem.group is ProblemGroup.RULE]
    if values:
        return "; ".join(dict.fromkeys(values + rules))
    count = f"{len(rules)} error{'' if len(rules) == 1 else 's'} occurred:"
    return count + "".join(f"\n\t* {rule}" for rule in rules) + "\n\n"


def _decode_text(problem: Problem) -> str:
    path: Path = () if problem.message.startswith("json:") else problem.path
    return str(Problem(path, problem.message))
