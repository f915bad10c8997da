"""`lictor kv`: get, put, delete, export, import."""

from __future__ import annotations

import binascii
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import TypedDict

from lictor.api.calls import kv
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import argument_data, check_count
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, ValueKind, flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.progress import metered
from lictor.cli.terminal import print_pairs
from lictor_core.errors import RequestError
from lictor_core.json_text import from_json
from lictor_core.records import KVEntry

__all__ = ["ExportedKey", "command"]

_FLAGS_MAX = 2**64 - 1
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What Go's `encoding/json` escapes, so that an export is byte for byte what Consul's is."""

command = GoGroup(
    "kv",
    help="Read and write the key-value store.",
    examples=(
        ("lictor kv put redis/maxconns 5", "write a key"),
        ("lictor kv get redis/maxconns", "read it"),
        ("lictor kv get -recurse redis", "read all under a prefix"),
        ("lictor kv delete redis/maxconns", "remove it"),
    ),
)


class ExportedKey(TypedDict):
    """One key in the form of `kv export`."""

    key: str
    flags: int
    value: str


@command.command(
    "get",
    cls=ApiCommand,
    usage="KEY_OR_PREFIX",
    examples=("lictor kv get redis/maxconns", "lictor kv get -keys redis/", "lictor kv get -recurse redis/"),
)
@flag("-base64", "Show values in base64.")
@flag("-detailed", "Show indexes, flags and the session beside the value.")
@format_option
@flag("-keys", "List the keys under the prefix, without their values.")
@flag("-recurse", "Show every key under the prefix.")
@option("-separator", "Where -keys folds a level of keys into one.", metavar="text", default="/")
@pass_api
def get(
    api: Api,
    args: tuple[str, ...],
    base64: bool,
    detailed: bool,
    format: Format,
    keys: bool,
    recurse: bool,
    separator: str,
) -> None:
    """Show the value of a key, or what is under a prefix. A key that does not exist is an error; one without a value
    shows an empty line.
    """
    check_count(args, 0 if keys or recurse else 1, 1, "missing KEY: name the key to read")
    key = args[0].removeprefix("/") if args else ""
    if keys:
        names = api.send(kv.keys(key, separator, api.options()))
        if format is Format.JSON:
            print_json(names)
            return
        for name in names:
            print(name)
    elif recurse:
        entries = api.send(kv.tree(key, api.options()))
        if format is Format.JSON:
            print_json(entries)
            return
        for place, entry in enumerate(entries):
            if detailed:
                _print_details(entry, base64=base64, apart=place > 0)
            else:
                _write(f"{entry.key}:".encode() + _shown(entry, base64=base64) + b"\n")
    else:
        found = api.send(kv.get(key, api.options()))
        if found is None:
            raise CommandError(f"no key exists at: {key}")
        if format is Format.JSON:
            print_json(found)
        elif detailed:
            _print_details(found, base64=base64, apart=False)
        else:
            _write(_shown(found, base64=base64) + b"\n")


@command.command(
    "put",
    cls=ApiCommand,
    usage="KEY [DATA]",
    examples=(
        "lictor kv put redis/maxconns 5",
        "lictor kv put license @license.txt",
        "lictor kv put -cas -modify-index=844 redis/maxconns 6",
    ),
)
@flag("-acquire", "Take the lock of the key for -session.")
@flag("-base64", "The data is in base64.")
@flag("-cas", "Write only if the key was last modified at -modify-index; 0 writes only a new key.")
@option("-flags", "A number of your own to keep with the key.", metavar="number", kind=ValueKind.WHOLE)
@option("-modify-index", "The ModifyIndex that -cas compares with.", metavar="index", default="")
@flag("-release", "Give up the lock of the key for -session.")
@option("-session", "The session that takes or gives up the lock.", metavar="id")
@pass_api
def put(
    api: Api,
    args: tuple[str, ...],
    acquire: bool,
    base64: bool,
    cas: bool,
    flags: int,
    modify_index: str,
    release: bool,
    session: str,
) -> None:
    """Write a key. DATA is the value itself, @FILE for the content of a file or - for stdin; without it the value is
    empty.
    """
    check_count(args, 1, 2, "missing KEY: name the key to write")
    if flags > _FLAGS_MAX:
        raise CommandError(f"-flags={flags} is above {_FLAGS_MAX}")
    if acquire != release and not session:
        raise CommandError("-acquire and -release need -session")
    index = _compared_index(cas, modify_index)
    key = _key(args[0])
    data = argument_data(args[1]) if len(args) > 1 else b""
    value = _decoded(data, "the data") if base64 else data
    call = kv.put(
        key,
        value,
        flags=flags,
        cas=index,
        acquire=session if acquire else "",
        release=session if release else "",
        dc=api.datacenter,
    )
    if not api.send(call):
        reason = "compare-and-set failed: the key changed since" if cas else "the lock is not held by this session"
        raise CommandError(f"did not write to {key}: {reason}")
    print(f"Success! {_put_verb(acquire, release)}: {key}")


@command.command(
    "delete",
    cls=ApiCommand,
    usage="KEY_OR_PREFIX",
    examples=("lictor kv delete redis/maxconns", "lictor kv delete -recurse redis/"),
)
@flag("-cas", "Delete only if the key was last modified at -modify-index.")
@option("-modify-index", "The ModifyIndex that -cas compares with.", metavar="index", default="")
@flag("-recurse", "Delete every key that begins with the prefix.")
@pass_api
def delete(api: Api, args: tuple[str, ...], cas: bool, modify_index: str, recurse: bool) -> None:
    """Delete a key, or every key under a prefix. Deleting what does not exist is a success."""
    check_count(args, 0 if recurse else 1, 1, "missing KEY: name the key to delete")
    if cas and recurse:
        raise CommandError("-cas and -recurse cannot be given together")
    index = _compared_index(cas, modify_index)
    key = args[0].removeprefix("/") if args else ""
    if recurse:
        api.send(kv.delete_tree(key, dc=api.datacenter))
        print(f"Success! Deleted keys with prefix: {key}")
        return
    if not api.send(kv.delete(_key(key), cas=index, dc=api.datacenter)):
        raise CommandError(f"did not delete {key}: compare-and-set failed: the key changed since")
    print(f"Success! Deleted key: {key}")


@command.command("export", cls=ApiCommand, usage="[PREFIX]", examples=("lictor kv export redis > redis.json",))
@pass_api
def export(api: Api, args: tuple[str, ...]) -> None:
    """Write every key under a prefix as JSON, for `lictor kv import`."""
    check_count(args, 0, 1, "")
    entries = api.send_long(kv.tree(args[0].removeprefix("/") if args else "", api.options()), "exporting")
    exported = [_exported(entry) for entry in entries]
    text = json.dumps(exported, indent="\t", ensure_ascii=False)
    for character, escape in _ESCAPED.items():  # in strings alone: the structure has none of them
        text = text.replace(character, escape)
    print(text)


@command.command(
    "import",
    cls=ApiCommand,
    usage="DATA",
    examples=("lictor kv import @redis.json", "lictor kv export redis | lictor kv import -"),
)
@pass_api
def import_keys(api: Api, args: tuple[str, ...]) -> None:
    """Write the keys that `lictor kv export` wrote. DATA is the JSON itself, @FILE for a file or - for stdin."""
    check_count(args, 1, 1, "missing DATA: give the JSON, @FILE for a file or - for stdin")
    keys = _imported(argument_data(args[0]))
    for one in metered(keys, len(keys), "importing"):
        value = _decoded(one["value"].encode(), f"the value of {one['key']}")
        if not api.send(kv.put(_key(one["key"]), value, flags=one["flags"], dc=api.datacenter)):
            raise CommandError(f"did not write to {one['key']}")
        print(f"Imported: {one['key']}")


def _key(text: str) -> str:
    try:
        return kv.check_key(text)
    except RequestError as error:
        raise CommandError(str(error)) from error


def _compared_index(cas: bool, modify_index: str) -> int | None:
    if not cas and modify_index not in ("", "0"):
        raise CommandError("-modify-index means nothing without -cas")
    if not cas:
        return None
    if not modify_index.isdecimal():
        raise CommandError("-cas needs -modify-index, a whole number")
    return int(modify_index)


def _put_verb(acquire: bool, release: bool) -> str:
    if acquire == release:
        return "Data written to"
    return "Lock acquired on" if acquire else "Lock released on"


def _decoded(data: bytes, what: str) -> bytes:
    try:
        return b64decode(data.strip(), validate=True)
    except binascii.Error as error:
        raise CommandError(f"{what} is no base64: {error}") from error


def _imported(data: bytes) -> Sequence[ExportedKey]:
    try:
        return from_json(data, list[ExportedKey])
    except RequestError as error:
        raise CommandError(f"the data is not what `lictor kv export` writes: {error}") from error


def _exported(entry: KVEntry) -> ExportedKey:
    return {"key": entry.key, "flags": entry.flags, "value": b64encode(entry.value or b"").decode()}


def _shown(entry: KVEntry, *, base64: bool) -> bytes:
    value = entry.value or b""
    return b64encode(value) if base64 else value


def _print_details(entry: KVEntry, *, base64: bool, apart: bool) -> None:
    if apart:
        print()
    print_pairs(
        [
            ("CreateIndex", str(entry.create_index)),
            ("Flags", str(entry.flags)),
            ("Key", entry.key),
            ("LockIndex", str(entry.lock_index)),
            ("ModifyIndex", str(entry.modify_index)),
            ("Session", entry.session or "-"),
        ]
    )
    value = _shown(entry, base64=base64)
    _write(b"Value" + (b" " * 12 + value if value else b"") + b"\n")


def _write(data: bytes) -> None:
    """Values are bytes and go out as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
