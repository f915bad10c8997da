"""What the cluster said last of each proxy and gateway here, kept so that a start without servers knows it.

The form is what Consul 1.8.7 writes beneath `services/configs/`, with a key of our own, which it overlooks: what was
asked. The servers' word replaces it as soon as they give one.
"""

from __future__ import annotations

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_agent.persisted.forms import file_name
from lictor_agent.persisted.shelf import FILE_BYTES_MAX, Item, Kind, Shelf
from lictor_core.codec import from_json, to_json
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.errors import RequestError, StorageError
from lictor_core.records import Expose, JsonObject, MeshGateway

__all__ = ["SavedDefaults", "defaults_bytes", "read_defaults", "recalled"]


class SavedDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of the instance `service_id` when `question` was asked, which Consul's files do not say."""

    service_id: str
    question: ServiceConfigQuery | None
    config: ServiceConfig


class _Asked(msgspec.Struct, kw_only=True, rename="pascal"):
    service: str
    upstreams: tuple[str, ...] = ()


class _Defaults(msgspec.Struct, kw_only=True, rename="pascal"):
    proxy_config: JsonObject | None = None
    upstream_configs: dict[str, JsonObject] | None = None
    mesh_gateway: MeshGateway = MeshGateway()
    expose: Expose = Expose()


class _File(msgspec.Struct, kw_only=True, rename="pascal"):
    service_id: str = msgspec.field(name="ServiceID")
    defaults: _Defaults
    lictor: _Asked | None = None


def defaults_bytes(service_id: str, question: ServiceConfigQuery, config: ServiceConfig) -> bytes:
    """The file of what was said of an instance."""
    asked = _Asked(service=question.service, upstreams=question.upstreams)
    return to_json({"ServiceID": service_id, "Defaults": config, "Lictor": asked})


def read_defaults(data: bytes) -> SavedDefaults:
    """What a file of ours or of Consul's says. Raises `RequestError` for anything else."""
    file = from_json(data, _File)
    asked, said = file.lictor, file.defaults
    return SavedDefaults(
        service_id=file.service_id,
        question=None if asked is None else ServiceConfigQuery(service=asked.service, upstreams=asked.upstreams),
        config=ServiceConfig(
            proxy_config=said.proxy_config,
            upstream_configs=said.upstream_configs or {},
            mesh_gateway=said.mesh_gateway,
            expose=said.expose,
        ),
    )


def recalled(shelf: Shelf, log: FilteringBoundLogger) -> dict[Item, SavedDefaults]:
    """What is on the shelf, by its files. What cannot be used is set aside and told. Blocks."""
    found: dict[Item, SavedDefaults] = {}
    for one in shelf.find(Kind.DEFAULTS):
        if isinstance(one, StorageError):
            log.error("agent.registration.unread", reason=str(one))
            continue
        try:
            if len(one.data) > FILE_BYTES_MAX:
                raise RequestError(f"it is larger than {FILE_BYTES_MAX} bytes")
            saved = read_defaults(one.data)
            if one.item.name != file_name(saved.service_id):
                raise RequestError(f"the name of the file is not that of {saved.service_id!r}")
        except RequestError as error:
            _set_aside(shelf, one.item, str(error), log)
        else:
            found[one.item] = saved
    return found


def _set_aside(shelf: Shelf, item: Item, reason: str, log: FilteringBoundLogger) -> None:
    try:
        aside = str(shelf.set_aside(item))
    except StorageError as error:
        aside = f"not moved: {error}"
    log.error("agent.registration.damaged", file=str(shelf.path(item)), reason=reason, aside=aside)
