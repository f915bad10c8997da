"""What the commands about access control have in common: ids by their first digits, links and identities, output."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar, cast

import click

from lictor.api.calls import acl
from lictor.api.errors import AgentError
from lictor.cli.api import Api
from lictor.cli.data import argument_data
from lictor.cli.errors import CommandError
from lictor.cli.flags import GIVEN_FLAGS, flag, option
from lictor.cli.formats import Format, print_json
from lictor.cli.hints import refusal
from lictor_core.acl.records import ANONYMOUS_ID, MANAGEMENT_ID
from lictor_core.records import JsonObject

__all__ = [
    "META",
    "NODE_IDENTITY",
    "POLICY_ID",
    "POLICY_NAME",
    "SERVICE_IDENTITY",
    "Kind",
    "doing",
    "given",
    "json_argument",
    "linked",
    "merged",
    "node_identities",
    "policy_id",
    "print_lines",
    "print_one",
    "role_id",
    "rule_id",
    "service_identities",
    "taking",
    "text_argument",
    "token_id",
    "write_private",
]

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

_ID_CHARS: Final = 36
_PRIVATE: Final = 0o600

META: Final = flag("-meta", "Show hash and indexes, too.")
POLICY_ID: Final = option(
    "-policy-id", "A policy by its id, or enough of its first digits; may be repeated.", metavar="id", multiple=True
)
POLICY_NAME: Final = option("-policy-name", "A policy by its name; may be repeated.", metavar="name", multiple=True)
SERVICE_IDENTITY: Final = option(
    "-service-identity",
    "What a service of the mesh needs, in some datacenters or in all; may be repeated.",
    metavar="name[:dc,...]",
    multiple=True,
)
NODE_IDENTITY: Final = option(
    "-node-identity", "What the agent of a node needs; may be repeated.", metavar="node:datacenter", multiple=True
)


def taking(*options: Callable[[F], F]) -> Callable[[F], F]:
    """All of `options` as one decorator of a command."""

    def decorated(function: F) -> F:
        for one in options:
            function = one(function)
        return function

    return decorated


@contextmanager
def doing(api: Api, what: str) -> Generator[None]:
    """A block that does something, which a refusal within it is told with."""
    try:
        yield
    except AgentError as error:
        raise CommandError(f"{what}: {refusal(error, may_be_stale=api.may_be_stale)}") from error


def given() -> frozenset[str]:
    """The flags that were given, also those with an empty value."""
    found = cast("tuple[tuple[str, str], ...]", click.get_current_context().meta.get(GIVEN_FLAGS, ()))
    return frozenset(name for name, _ in found)


def text_argument(text: str, what: str) -> str:
    """The text that an argument stands for: its own, that of a file for `@name`, stdin for `-`."""
    try:
        return argument_data(text).decode()
    except UnicodeDecodeError as error:
        raise CommandError(f"{what} is not UTF-8 text") from error


def json_argument(text: str, what: str) -> JsonObject:
    """The JSON object that an argument stands for, an empty one for none."""
    if not text:
        return {}
    try:
        value: object = json.loads(text_argument(text, what))
    except ValueError as error:
        raise CommandError(f"{what} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError(f"{what} must be a JSON object")
    return cast("JsonObject", value)


def policy_id(api: Api, text: str) -> str:
    """The id of the policy whose id begins like this."""
    if text == "global-management":
        return MANAGEMENT_ID
    return _whole_id(text, "policy", lambda: [one.id for one in api.send(acl.policies(api.options()))])


def role_id(api: Api, text: str) -> str:
    """The id of the role whose id begins like this."""
    return _whole_id(text, "role", lambda: [one.id for one in api.send(acl.roles(api.options()))])


def rule_id(api: Api, text: str) -> str:
    """The id of the binding rule whose id begins like this."""
    return _whole_id(text, "binding rule", lambda: [one.id for one in api.send(acl.binding_rules(api.options()))])


def token_id(api: Api, text: str) -> str:
    """The accessor that begins like this; `anonymous` is the token of who shows none."""
    if text == "anonymous":
        return ANONYMOUS_ID
    return _whole_id(text, "token", lambda: [one.accessor_id for one in api.send(acl.tokens(api.options()))])


@dataclass(frozen=True)
class Kind(Generic[T]):
    """Things that have an id and a name, `what` they are called, and how the one is found that somebody means."""

    what: str
    whole_id: Callable[[Api, str], str]
    by_id: Callable[[Api, str], T | None]
    by_name: Callable[[Api, str], T | None]

    def id(self, api: Api, text: str) -> str:
        """The id that begins like this."""
        with doing(api, f"looking for the {self.what}"):
            return self.whole_id(api, text)

    def found(self, api: Api, id: str, name: str) -> T:
        """The one that is meant. Raises `CommandError` where neither is given, and where there is none."""
        if not (id or name):
            raise CommandError("-id or -name is needed")
        with doing(api, f'reading {self.what} "{id or name}"'):
            found = self.by_id(api, self.id(api, id)) if id else self.by_name(api, name)
        if found is None:
            raise CommandError(f"there is no {self.what} with the {'id' if id else 'name'} {id or name}")
        return found


def linked(ids: Iterable[str], names: Iterable[str]) -> list[JsonObject]:
    """Links to policies or roles."""
    return [*(dict[str, object](ID=id) for id in ids), *(dict[str, object](Name=name) for name in names)]


def service_identities(texts: Iterable[str]) -> list[JsonObject]:
    """What `name` and `name:dc1,dc2` stand for."""
    found: list[JsonObject] = []
    for text in texts:
        name, *rest = text.split(":")
        if not name or len(rest) > 1 or rest == [""]:
            raise CommandError(f'-service-identity "{text}" is not of the form name or name:dc1,dc2')
        found.append({"ServiceName": name, **({"Datacenters": rest[0].split(",")} if rest else {})})
    return found


def node_identities(texts: Iterable[str]) -> list[JsonObject]:
    """What `node:datacenter` stands for."""
    found: list[JsonObject] = []
    for text in texts:
        name, _, datacenter = text.partition(":")
        if not name or not datacenter or ":" in datacenter:
            raise CommandError(f'-node-identity "{text}" is not of the form node:datacenter')
        found.append({"NodeName": name, "Datacenter": datacenter})
    return found


def merged(old: object, new: Sequence[JsonObject], *keys: str) -> list[JsonObject]:
    """`old`, a list as the API tells it, and of `new` what is not in it by any of `keys`."""
    found = list(cast("list[JsonObject]", old or []))
    for one in new:
        if not any(key in one and one[key] == other.get(key) for other in found for key in keys):
            found.append(one)
    return found


def print_one(value: object, lines: Iterator[str], format: Format) -> None:
    """A thing for people, or as JSON."""
    if format is Format.JSON:
        print_json(value)
    else:
        print_lines(lines)


def print_lines(lines: Iterable[str]) -> None:
    """Lines as they come."""
    for line in lines:
        print(line)


def write_private(path: str, text: str) -> None:
    """Put a secret into a file that its owner alone may read, whole or not at all. Raises `OSError`."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "w") as file:
            file.write(text)
        os.replace(draft, target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _whole_id(text: str, what: str, known: Callable[[], Iterable[str]]) -> str:
    if len(text) == _ID_CHARS:
        return text
    found = [id for id in known() if id.startswith(text)] if text else []
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"{len(found)} {what} ids begin with {text}: give more of it")
    raise CommandError(f'no {what} has an id that begins with "{text}"')
