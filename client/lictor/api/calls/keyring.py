"""Keys of what agents encrypt with: `/v1/operator/keyring`. Source: Consul's document `api-docs/operator/keyring`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor.api.messages import Call, Options, list_call, none_call

__all__ = ["Keyring", "install", "keyrings", "remove", "use"]


class Keyring(msgspec.Struct, rename="pascal", kw_only=True):
    """The keys of one pool of members. Each key in base64 has the number of members that know it."""

    wan: bool = msgspec.field(name="WAN", default=False)
    datacenter: str = ""
    segment: str = ""
    messages: Mapping[str, str] | None = None
    keys: Mapping[str, int] | None = None
    primary_keys: Mapping[str, int] | None = None
    num_nodes: int = 0


def keyrings(*, relay_factor: int = 0, local_only: bool = False, options: Options | None = None) -> Call[list[Keyring]]:
    """The keys of every pool; of this datacenter's alone with `local_only`. `relay_factor` is 0 to 5."""
    parameters = (("relay-factor", _relay(relay_factor)), ("local-only", "true" if local_only else ""))
    return list_call(list[Keyring], "/v1/operator/keyring", options, *parameters)


def install(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Give every member another key, in base64, to understand."""
    return _change("POST", key, relay_factor)


def use(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Let every member speak with a key that all of them know."""
    return _change("PUT", key, relay_factor)


def remove(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Let every member forget a key that nobody speaks with."""
    return _change("DELETE", key, relay_factor)


def _change(method: str, key: str, relay_factor: int) -> Call[None]:
    return none_call(method, "/v1/operator/keyring", ("relay-factor", _relay(relay_factor)), body={"Key": key})


def _relay(factor: int) -> str:
    return str(factor) if factor else ""
