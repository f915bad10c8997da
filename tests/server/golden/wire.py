"""`python -m tests.server.golden.wire`: write anew what processes of two versions say to one another, in `wire.txt`.

The forms are found where the code decodes msgpack: whoever adds a method has its argument here without a word. Before
it is written anew, the docstring of `lictor_core.protocol` says whether the number must be raised: once a form was in a
release, it must for whatever the former build cannot read.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast, get_args, get_type_hints

from msgspec import inspect

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.protocol import PROTOCOL_MAX, PROTOCOL_MIN
from lictor_core.queries import AnyQuery, Query, answer_type
from lictor_server import Server, ServerSettings
from lictor_server.raft import messages
from lictor_server.raft.hello import PREAMBLE
from tests.server.conftest import made_log

__all__ = ["WIRE", "wire_text"]

WIRE: Final = Path(__file__).parent / "wire.txt"
_ROOT: Final = Path(__file__).parents[3]
_PACKAGES: Final = ("core/lictor_core", "server/lictor_server", "agent/lictor_agent/remote")
_DECODERS: Final = frozenset({"Decoder", "decode", "unpack", "unpacker", "_decoded", "_seen"})


def wire_text() -> str:
    """The protocol's number, the methods by name, and the form of all that is decoded from msgpack, to its leaves."""
    forms = _Forms()
    for found in _decoded_types():
        forms.add(found)
    for query in cast("tuple[type[Query[object]], ...]", get_args(AnyQuery)):
        forms.add(answer_type(query))
    said = [cast(object, getattr(messages, name)) for name in messages.__all__]
    raft = [kind for kind in said if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    parts = [
        [f"protocol {PROTOCOL_MIN} to {PROTOCOL_MAX}", f"Raft's preamble {PREAMBLE!r}"],
        [f"method {name}{' (servers alone)' if alone else ''}" for name, alone in sorted(_methods().items())],
        *([f"Raft message {kind.__name__}", *_attributes(kind)] for kind in sorted(raft, key=lambda one: one.__name__)),
        *forms.texts(),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _methods() -> dict[str, bool]:
    settings = ServerSettings(node_name="n1", node_id="5c1e2f30-0000-4000-8000-000000000001", server_port=0)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=made_log().logger)
    return server._methods.names  # pyright: ignore[reportPrivateUsage]


def _attributes(kind: type) -> Iterator[str]:
    for name in sorted(get_type_hints(kind)):
        yield f"    {name}: {kind.__annotations__[name]}"


def _decoded_types() -> Iterator[object]:
    """Whatever a module hands to a decoder as the type to decode."""
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            source = path.read_text()
            if not any(name in source for name in _DECODERS):
                continue
            parts = path.relative_to(_ROOT).with_suffix("").parts[1:]
            module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and _name(node.func) in _DECODERS:
                    yield from _types_in(node, vars(module))


def _types_in(call: ast.Call, known: dict[str, object]) -> Iterator[object]:
    """Of all arguments those that are a type where the module stands; others depend on who calls."""
    for given in (*call.args, *(one.value for one in call.keywords)):
        if isinstance(given, ast.Name | ast.Subscript):
            try:
                found = eval(compile(ast.Expression(given), "wire", "eval"), dict(known))  # our own source
            except NameError:
                continue
            if isinstance(found, type) or get_args(found):
                yield found


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


class _Forms:
    """The forms of structs and enumerations, each once."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._values: set[str] = set()
        self._classes: dict[str, type] = {}

    def add(self, kind: object) -> None:
        """Take `kind`, and all that it is made of."""
        self._values.add(self._form(inspect.type_info(kind)))

    def texts(self) -> list[list[str]]:
        """All of them in order; first what stands alone in an argument or an answer."""
        alone = sorted(self._values - set(self._texts))
        return [["alone", *(f"    {one}" for one in alone)], *(self._texts[name] for name in sorted(self._texts))]

    def _form(self, info: inspect.Type) -> str:
        match info:
            case inspect.StructType():
                return self._struct(info)
            case inspect.EnumType(cls=cls):
                return self._enumeration(cls)
            case inspect.UnionType(types=types):
                return " | ".join(sorted(self._form(one) for one in types))
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                return f"list[{self._form(item)}]"
            case inspect.TupleType(item_types=items):
                return f"[{', '.join(self._form(one) for one in items)}]"
            case inspect.DictType(key_type=key, value_type=value):
                return f"map[{self._form(key)}, {self._form(value)}]"
            case inspect.LiteralType(values=values):
                return f"one of {', '.join(map(repr, sorted(values, key=str)))}"
            case inspect.Metadata(type=inner):
                return self._form(inner)
            case _:
                return type(info).__name__.removesuffix("Type").lower()

    def _struct(self, info: inspect.StructType) -> str:
        name = self._named(info.cls)
        if name in self._texts:
            return name
        lines = self._texts[name] = [""]
        config = info.cls.__struct_config__
        traits = ["array" if info.array_like else "map"]
        traits += [f"tag {info.tag_field}={info.tag}"] if info.tag is not None else []
        traits += ["strict"] if info.forbid_unknown_fields else []
        traits += ["defaults left out"] if config.omit_defaults else []
        lines[0] = f"{name}: {', '.join(traits)}"
        fields = info.fields if info.array_like else sorted(info.fields, key=lambda one: one.encode_name)
        for field in fields:
            lines.append(
                f"    {field.encode_name}: {self._form(field.type)}{'' if field.required else ', may be missing'}"
            )
        return name

    def _enumeration(self, cls: type[enum.Enum]) -> str:
        name = self._named(cls)
        self._texts[name] = [f"{name}: one of {', '.join(repr(one.value) for one in cls)}"]
        return name

    def _named(self, cls: type) -> str:
        """Its name, with the last of its module's: two modules may have a kind of the same name."""
        name = f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
        assert self._classes.setdefault(name, cls) is cls, f"two kinds are called {name}: rename one"
        return name


if __name__ == "__main__":
    WIRE.write_text(wire_text())
