from __future__ import annotations

from lictor_server import ca
from lictor_server.ca.built_in import BuiltIn
from tests.server.ca.build import CLUSTER


async def _serial() -> int:
    return 1


def test_settings_name_their_provider() -> None:
    settings = ca.read_settings("consul", {})
    assert isinstance(ca.provider_of(settings, CLUSTER, serials=_serial, unique=lambda: "u"), BuiltIn)
