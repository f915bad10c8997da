"""The files in which services, checks and the states of TTL checks are kept: Consul's form, with a key of our own.

Pure. The form is what Consul 1.8.7 writes beneath `services/`, `checks/` and `checks/state/`, so that an agent can be
moved from one program to the other with its data directory; Consul overlooks the key `Lictor`, which says where
something came from. Durations are whole nanoseconds, names of files the MD5 of the id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Final

import msgspec

from lictor_agent.local import LocalCheck, LocalService, Origin, Provenance
from lictor_config.checks import CheckDefinition, read_check
from lictor_config.reading import Dialect, Reader
from lictor_core.codec import from_json, to_json
from lictor_core.errors import RequestError
from lictor_core.records import Connect, Expose, JsonObject, MeshGateway, Proxy, Service, Weights

__all__ = [
    "SavedCheck",
    "SavedService",
    "SavedStatus",
    "check_bytes",
    "file_name",
    "read_saved_check",
    "read_saved_service",
    "read_saved_status",
    "service_bytes",
    "status_bytes",
]

_SIDECAR_SUFFIX: Final = "-sidecar-proxy"
_SECONDS: Final = "_s"
_NANOSECONDS: Final = 1_000_000_000
_RENAMED: Final = {"args": "script_args"}
_BLANKS: Final = to_json(
    {
        "Tags": [],
        "Address": "",
        "Meta": None,
        "Port": 0,
        "Weights": Weights(passing=1, warning=1),
        "EnableTagOverride": False,
        "Proxy": Proxy(mesh_gateway=MeshGateway(), expose=Expose()),
        "Connect": Connect(),
        "CreateIndex": 0,
        "ModifyIndex": 0,
    }
)
"""What older Consuls leave out of an instance, or write as null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedService:
    """An instance as it was kept."""

    service: Service
    token: str
    origin: Origin
    sidecar_of: str
    provenance: Provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedCheck:
    """A check as it was kept, without its state. `definition` is None for maintenance, whose reason is in `notes`."""

    check_id: str
    name: str
    notes: str
    service_id: str
    definition: CheckDefinition | None
    token: str
    origin: Origin
    provenance: Provenance


class SavedStatus(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What was last said of a TTL check; it holds until `expires`, whole seconds since 1970."""

    check_id: str = msgspec.field(name="CheckID")
    output: str
    status: str
    expires: int


class _Origins(msgspec.Struct, kw_only=True, rename="pascal"):
    """The key `Lictor`: `place` is who asked, `time` when, in seconds since 1970."""

    origin: Origin = Origin.API
    sidecar_of: str = ""
    place: str = ""
    time: float = 0.0

    def provenance(self) -> Provenance:
        return Provenance(self.place, self.time, is_restored=True)


class _ServiceFile(msgspec.Struct, kw_only=True, rename="pascal"):
    token: str | None = ""
    service: JsonObject
    locally_registered_as_sidecar: bool = False
    lictor: _Origins | None = None


class _CheckHead(msgspec.Struct, kw_only=True, rename="pascal"):
    check_id: str = msgspec.field(name="CheckID")
    name: str = ""
    notes: str = ""
    service_id: str = msgspec.field(name="ServiceID", default="")


class _CheckFile(msgspec.Struct, kw_only=True, rename="pascal"):
    check: _CheckHead
    chk_type: JsonObject | None = None
    token: str | None = ""
    lictor: _Origins | None = None


def file_name(id: str) -> str:
    """The name of the file of what has this id."""
    return hashlib.md5(id.encode(), usedforsecurity=False).hexdigest()


def service_bytes(one: LocalService) -> bytes:
    """The file of an instance."""
    content: JsonObject = {"Token": one.token, "Service": one.service, "Source": _source(one.origin)}
    if one.sidecar_of:
        content["LocallyRegisteredAsSidecar"] = True
    content["Lictor"] = _origins(one.origin, one.provenance, one.sidecar_of)
    return to_json(content)


def check_bytes(one: LocalCheck) -> bytes:
    """The file of a check: how it is done, and not how it is."""
    # Who starts again knows nothing of the health of what it watches: as in Consul everything begins as critical.
    record = msgspec.structs.replace(one.check, status="critical", output="")
    content: JsonObject = {
        "Check": record,
        "ChkType": None if one.definition is None else _check_type(one.definition),
        "Token": one.token,
        "Source": _source(one.origin),
        "Lictor": _origins(one.origin, one.provenance),
    }
    return to_json(content)


def status_bytes(status: SavedStatus) -> bytes:
    """The file of a TTL check's state."""
    return to_json(status)


def read_saved_service(data: bytes) -> SavedService:
    """The instance in a file of ours or of Consul's. Raises `RequestError` for anything else."""
    file = from_json(data, _ServiceFile)
    given = {key: value for key, value in file.service.items() if value is not None}
    service = from_json(to_json(from_json(_BLANKS, JsonObject) | given), Service)
    if not service.id or not service.service:
        raise RequestError("the instance has no ID or no name")
    origins = file.lictor or _Origins()
    sidecar_of = origins.sidecar_of
    if file.locally_registered_as_sidecar and not sidecar_of:
        sidecar_of = service.id.removesuffix(_SIDECAR_SUFFIX)
    return SavedService(
        service=msgspec.structs.replace(service, create_index=0, modify_index=0),
        token=file.token or "",
        origin=Origin.SIDECAR if sidecar_of else Origin.API,
        sidecar_of=sidecar_of,
        provenance=origins.provenance(),
    )


def read_saved_check(data: bytes) -> SavedCheck:
    """The check in a file of ours or of Consul's. Raises `RequestError` for anything else."""
    file = from_json(data, _CheckFile)
    if not file.check.check_id:
        raise RequestError("the check has no CheckID")
    origins = file.lictor or _Origins()
    return SavedCheck(
        check_id=file.check.check_id,
        name=file.check.name,
        notes=file.check.notes,
        service_id=file.check.service_id,
        definition=None if file.chk_type is None else _definition(file.chk_type),
        token=file.token or "",
        origin=Origin.SIDECAR if origins.origin is Origin.SIDECAR else Origin.API,
        provenance=origins.provenance(),
    )


def read_saved_status(data: bytes) -> SavedStatus:
    """The state in a file of ours or of Consul's. Raises `RequestError` for anything else."""
    return from_json(data, SavedStatus)


def _source(origin: Origin) -> str:
    """Who may have scripts run, in Consul's words: files, or whoever asks over HTTP."""
    return "local" if origin is Origin.FILE else "remote"


def _origins(origin: Origin, provenance: Provenance, sidecar_of: str = "") -> _Origins:
    return _Origins(origin=origin, sidecar_of=sidecar_of, place=provenance.place, time=provenance.at)


def _check_type(definition: CheckDefinition) -> JsonObject:
    """Every field of a definition under its key; keys ignore case in both programs, so `Http` is `HTTP`."""
    content: JsonObject = {}
    for one in fields(definition):
        value: object = getattr(definition, one.name)
        content[_key(one.name)] = round(value * _NANOSECONDS) if isinstance(value, float) else value
    return content


def _definition(content: JsonObject) -> CheckDefinition:
    """A definition as it was written; keys that this version does not know are overlooked."""
    known = {_key(one.name).lower() for one in fields(CheckDefinition)}
    reader = Reader({key: value for key, value in content.items() if key.lower() in known}, dialect=Dialect.HTTP)
    definition = read_check(reader, nested=True)
    if reader.problems:
        raise RequestError("; ".join(str(problem) for problem in reader.problems))
    if flaws := definition.flaws():
        raise RequestError("; ".join(flaws))
    return definition


def _key(field_name: str) -> str:
    name = _RENAMED.get(field_name, field_name).removesuffix(_SECONDS)
    return "".join(word.capitalize() for word in name.split("_"))
