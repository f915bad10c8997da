"""Envoy's messages without generated code: descriptors in a private pool, read from `xds.binpb` file by file as needed.

The default pool of protobuf is left alone: other libraries of the process register other versions of the same names
there (`opentelemetry.proto`, `google.rpc`). Only what is used is built: the file holds the whole v3 API, so that
configurations written by hand may name any filter, and a proxy with HTTP needs about a third of it.

Raises `ConfigurationError` when protobuf is not installed (`lictor[xds]`). Where the file comes from:
`connect_proxy/tools/xds_descriptors.py`; its licence: `NOTICE` beside it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from lictor_connect_proxy.xds.kinds import XDS_EXTRA
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject

try:
    from google.protobuf import json_format, message_factory
    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import DecodeError, Message
except ImportError as error:
    raise ConfigurationError(f"protobuf is not installed ({error}): {XDS_EXTRA}") from error

__all__ = ["DecodeError", "Message", "decoded", "encoded", "message_class", "shown"]

_FILE: Final = Path(__file__).with_name("xds.binpb")
_PREFIX: Final = "type.googleapis.com/"


class _Files:
    """What a pool asks for descriptors: by the name of a file, or of something within one. KeyError when unknown."""

    def __init__(self, found: FileDescriptorSet) -> None:
        self._by_name = {file.name: file for file in found.file}
        self._by_symbol: dict[str, FileDescriptorProto] = {}
        for file in found.file:
            for message in file.message_type:
                self._note(message, file.package, file)
            for enum in file.enum_type:
                self._by_symbol[f"{file.package}.{enum.name}"] = file

    def FindFileByName(self, name: str) -> FileDescriptorProto:
        return self._by_name[name]

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptorProto:
        return self._by_symbol[symbol]

    def _note(self, message: DescriptorProto, within: str, file: FileDescriptorProto) -> None:
        name = f"{within}.{message.name}"
        self._by_symbol[name] = file
        for nested in message.nested_type:
            self._note(nested, name, file)
        for enum in message.enum_type:
            self._by_symbol[f"{name}.{enum.name}"] = file


@lru_cache(maxsize=1)
def _pool() -> DescriptorPool:
    return DescriptorPool(_Files(FileDescriptorSet.FromString(_FILE.read_bytes())))


@lru_cache(maxsize=1024)
def message_class(type_url: str) -> type[Message]:
    """The class of a type URL (`type.googleapis.com/envoy...`) or full name. Raises `ConfigurationError`: unknown."""
    name = type_url.removeprefix(_PREFIX)
    try:
        return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))
    except KeyError:
        raise ConfigurationError(f"{name} is no message of Envoy's v3 API; check the spelling") from None


def encoded(type_url: str, fields: JsonObject) -> bytes:
    """The wire form of a message given in proto3 JSON form, the same bytes for the same fields.

    Raises `ConfigurationError` naming the field that is unknown or of the wrong type.
    """
    message = message_class(type_url)()
    try:
        json_format.ParseDict(fields, message, descriptor_pool=_pool())
    except json_format.ParseError as error:
        name = type_url.rpartition(".")[2]
        reason = str(error).partition("\n")[0]  # what follows is a list of all fields there are
        raise ConfigurationError(f"this is no {name} that Envoy understands: {reason}") from error
    return message.SerializeToString(deterministic=True)


def decoded(type_url: str, data: bytes) -> Message:
    """The message in `data`. Raises protobuf's `DecodeError`."""
    return message_class(type_url).FromString(data)


def shown(type_url: str, data: bytes) -> JsonObject:
    """The message in `data` in proto3 JSON form, with the fields' own names."""
    message = decoded(type_url, data)
    return json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=_pool())
