"""Writes `lictor_connect_proxy/xds/xds.binpb`: the descriptors of Envoy's v3 API, without code and without annotations.

For developers, when Envoy's API moves on. xds-protos installs packages with generic names (`envoy`, `google`,
`opentelemetry`, `validate`) that overwrite those of others, so it lives in an environment of its own and nowhere else:

    python3 -m venv /tmp/xds && /tmp/xds/bin/pip install xds-protos==1.85.0
    /tmp/xds/bin/python connect_proxy/tools/xds_descriptors.py

What is left out: v2, the admin API, services that Lictor does not serve, and all options that only generators and
validators read (the rules of `validate`, annotations of `udpa` and `xds`). That is the change that the notice beside
the file names.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

TARGET: Final = Path(__file__).parents[1] / "lictor_connect_proxy" / "xds" / "xds.binpb"
ROOTS: Final = (
    "envoy/config/",
    "envoy/extensions/",
    "envoy/service/discovery/v3/",
    "envoy/type/",
)
OLD: Final = ("/v2/", "/v2alpha/", "/v2alpha1/", "/v1/", "/v1alpha1/")
ANNOTATIONS: Final = ("validate/", "udpa/annotations/", "xds/annotations/", "envoy/annotations/", "google/api/annot")


def main() -> int:
    found = importlib.util.find_spec("envoy")
    if found is None or not found.submodule_search_locations:
        print("there is no xds-protos in this environment; the head of this file says how to make one", file=sys.stderr)
        return 1
    source = Path(next(iter(found.submodule_search_locations)))
    files: dict[str, FileDescriptorProto] = {}
    for module in sorted(source.rglob("*_pb2.py")):
        name = module.relative_to(source.parent).as_posix()
        if name.startswith(ROOTS) and not any(old in name for old in OLD):
            imported = importlib.import_module(name.removesuffix(".py").replace("/", "."))
            _take(imported.DESCRIPTOR, files)
    TARGET.write_bytes(
        FileDescriptorSet(file=[files[name] for name in sorted(files)]).SerializeToString(deterministic=True)
    )
    print(f"{len(files)} files, {TARGET.stat().st_size} bytes: {TARGET}")
    return 0


def _take(file: FileDescriptor, files: dict[str, FileDescriptorProto]) -> None:
    """Put a file and all that it needs into `files`."""
    if file.name in files or file.name.startswith(ANNOTATIONS):
        return
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    kept = [name for name in proto.dependency if not name.startswith(ANNOTATIONS)]
    proto.ClearField("options")
    proto.ClearField("service")
    proto.ClearField("public_dependency")
    proto.ClearField("weak_dependency")
    del proto.dependency[:]
    proto.dependency.extend(kept)
    _strip_messages(proto.message_type)
    _strip_enums(proto.enum_type)
    proto.ClearField("extension")
    files[file.name] = proto
    for dependency in file.dependencies:
        _take(dependency, files)


def _strip_messages(messages: Iterable[DescriptorProto]) -> None:
    for message in messages:
        is_map = message.options.map_entry
        message.ClearField("options")
        if is_map:
            message.options.map_entry = True
        for field in message.field:
            has_packing, is_packed = field.options.HasField("packed"), field.options.packed
            field.ClearField("options")
            if has_packing:
                field.options.packed = is_packed
        for oneof in message.oneof_decl:
            oneof.ClearField("options")
        _strip_enums(message.enum_type)
        _strip_messages(message.nested_type)


def _strip_enums(enums: Iterable[EnumDescriptorProto]) -> None:
    for enum in enums:
        has_aliases = enum.options.allow_alias
        enum.ClearField("options")
        if has_aliases:
            enum.options.allow_alias = True
        for value in enum.value:
            value.ClearField("options")


if __name__ == "__main__":
    sys.exit(main())
