"""What intentions demand of tokens names jwt-providers that are there, and one that is named is not deleted.

The leader judges that before a command enters the log, by the state as it has it. A provider that is deleted while an
intention that names it is on its way slips through; proxies then deny what it demands, so nothing is opened by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from lictor_core.commands import Command, ConfigDelete, ConfigSet
from lictor_core.entries.access import ServiceIntentions
from lictor_core.entries.jwt_provider import JWTProvider
from lictor_core.errors import RequestError
from lictor_server.state import Store

__all__ = ["check_providers", "demanded_providers"]

_SHOWN_MAX: Final = 3


def check_providers(store: Store, command: Command) -> None:
    """Raise `RequestError` for an entry that names a provider which is not there, and for deleting a named one."""
    match command:
        case ConfigSet(kind=ServiceIntentions.kind):
            for name in dict.fromkeys(demanded_providers(command.body)):
                _must_exist(store, command.name, name)
        case ConfigDelete(kind=JWTProvider.kind):
            _must_be_unnamed(store, command.name)
        case _:
            pass


def demanded_providers(body: Mapping[str, object]) -> Iterator[str]:
    """The names of the providers that an entry of intentions names, or one intention, in their form of JSON."""
    yield from _named(body)
    for source in (body, *_objects(body.get("Sources"))):
        for permission in _objects(source.get("Permissions")):
            yield from _named(permission)


def _must_exist(store: Store, destination: str, name: str) -> None:
    found = store.entries.get(JWTProvider.kind, name)
    if found is None or found.name != name:
        raise RequestError(
            f"the intentions to {destination!r} demand tokens of {name!r}, but there is no {JWTProvider.kind} "
            f"{name!r}: write that entry first"
        )


def _must_be_unnamed(store: Store, provider: str) -> None:
    found = store.entries.get(JWTProvider.kind, provider)
    if found is None:
        return
    named = dict.fromkeys(
        one.destination_name
        for one in store.intentions.all()
        if (one.jwt is not None or one.permissions)
        and found.name in demanded_providers({"JWT": one.jwt, "Permissions": one.permissions})
    )
    for entry in store.entries.all(ServiceIntentions.kind):  # a demand where nothing is allowed is in no intention
        if found.name in demanded_providers(entry.body):
            named[entry.name] = None
    if named:
        shown = sorted(named)[:_SHOWN_MAX]
        more = f" and {len(named) - len(shown)} more" if len(named) > len(shown) else ""
        raise RequestError(
            f"{JWTProvider.kind} {provider!r} cannot be deleted: the intentions to "
            f"{', '.join(map(repr, shown))}{more} demand its tokens; change these first"
        )


def _named(holder: Mapping[str, object]) -> Iterator[str]:
    jwt = holder.get("JWT")
    if isinstance(jwt, Mapping):
        for provider in _objects(cast("Mapping[str, object]", jwt).get("Providers")):
            yield str(provider.get("Name", ""))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list | tuple):
        for one in cast("Iterable[object]", value):
            if isinstance(one, Mapping):
                yield cast("Mapping[str, object]", one)
