"""Records that hold secrets, as logs and tracebacks would show them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

import lictor_core
from lictor_core.calls import StampsRequest, WriteRequest
from lictor_core.commands import ReadMode
from lictor_core.hiding import HIDDEN
from lictor_core.registry import ReadOptions

SECRET = "5e0c3a44-planted"
_SECRETS = {"token", "tokens", "secret", "secret_id", "bearer_token"}


def _records() -> Iterator[type[msgspec.Struct]]:
    for found in pkgutil.walk_packages(lictor_core.__path__, "lictor_core."):
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == found.name:
                yield kind


def _holds_text(kind: type[msgspec.Struct]) -> bool:
    """Records of tokens that others hold hide their secrets themselves."""
    return any(one.name in _SECRETS and one.type in (str, tuple[str, ...]) for one in msgspec.structs.fields(kind))


HOLDING = [kind for kind in _records() if _holds_text(kind)]


def test_there_are_records_that_hold_secrets() -> None:
    assert len(HOLDING) > 15


@pytest.mark.parametrize("kind", HOLDING, ids=lambda kind: kind.__name__)
def test_each_record_that_holds_a_secret_says_how_it_is_shown(kind: type[msgspec.Struct]) -> None:
    assert kind.__repr__ is not msgspec.Struct.__repr__


@pytest.mark.parametrize(
    "record",
    [
        ReadOptions(token=SECRET),
        WriteRequest(command=b"x", token=SECRET),
        StampsRequest(queries=(), mode=ReadMode.STALE, tokens=(SECRET,)),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_secret_is_hidden_and_all_else_shown(record: msgspec.Struct) -> None:
    assert SECRET not in repr(record)
    assert HIDDEN in repr(record)
    assert all(name in repr(record) for name in record.__struct_fields__)


def test_that_there_is_no_secret_is_shown() -> None:
    assert "token=''" in repr(ReadOptions())
