"""The key-value store: `/v1/kv`. Source: Consul's document `api-docs/kv`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, Request, Response, decoded_list, truth
from lictor_core.errors import RequestError
from lictor_core.records import KVEntry

__all__ = ["check_key", "delete", "delete_tree", "get", "keys", "put", "tree"]

_NOT_FOUND = 404


def check_key(key: str) -> str:
    """`key`, when it can be written: not empty and without a leading slash. Raises `RequestError`."""
    if key.startswith("/"):
        raise RequestError(f"Invalid key. Key must not begin with a '/': {key}")
    if not key:
        raise RequestError("the key is empty: name one")
    return key


def get(key: str, options: Options | None = None) -> Call[KVEntry | None]:
    """One key with its value; None when there is no such key."""

    def read(response: Response) -> KVEntry | None:
        found = _entries(response)
        return found[0] if found else None

    return Call(request=_read_request(key, (), options), read=read)


def tree(prefix: str, options: Options | None = None) -> Call[list[KVEntry]]:
    """All keys under a prefix with their values."""
    return Call(request=_read_request(prefix, (("recurse", ""),), options), read=_entries)


def keys(prefix: str, separator: str = "", options: Options | None = None) -> Call[list[str]]:
    """The names under a prefix, up to the next `separator` where one is given."""

    def read(response: Response) -> list[str]:
        response.check(_NOT_FOUND)
        return [] if response.status == _NOT_FOUND else decoded_list(response, list[str])

    parameters = (("keys", ""), *((("separator", separator),) if separator else ()))
    return Call(request=_read_request(prefix, parameters, options), read=read)


def put(
    key: str,
    value: bytes,
    *,
    flags: int = 0,
    cas: int | None = None,
    acquire: str = "",
    release: str = "",
    dc: str = "",
) -> Call[bool]:
    """Write a key; False when `cas`, `acquire` or `release` lost. Raises `RequestError` for a key that cannot be."""
    pairs = [
        ("dc", dc),
        ("flags", str(flags) if flags else ""),
        ("cas", "" if cas is None else str(cas)),
        ("acquire", acquire),
        ("release", release),
    ]
    parameters = tuple(pair for pair in pairs if pair[1])
    request = Request(method="PUT", path=f"/v1/kv/{check_key(key)}", parameters=parameters, body=value)
    return Call(request=request, read=truth)


def delete(key: str, *, cas: int | None = None, dc: str = "") -> Call[bool]:
    """Delete a key; False when `cas` lost."""
    parameters = tuple(pair for pair in (("dc", dc), ("cas", "" if cas is None else str(cas))) if pair[1])
    return Call(request=Request(method="DELETE", path=f"/v1/kv/{check_key(key)}", parameters=parameters), read=truth)


def delete_tree(prefix: str, *, dc: str = "") -> Call[bool]:
    """Delete every key under a prefix."""
    parameters = (("recurse", ""), *((("dc", dc),) if dc else ()))
    return Call(request=Request(method="DELETE", path=f"/v1/kv/{prefix}", parameters=parameters), read=truth)


def _read_request(key: str, parameters: tuple[tuple[str, str], ...], options: Options | None) -> Request:
    chosen = options or Options()
    path = f"/v1/kv/{key.removeprefix('/')}"
    return Request(method="GET", path=path, parameters=(*parameters, *chosen.pairs()), waits_s=chosen.waits_s())


def _entries(response: Response) -> list[KVEntry]:
    response.check(_NOT_FOUND)
    return [] if response.status == _NOT_FOUND else decoded_list(response, list[KVEntry])
