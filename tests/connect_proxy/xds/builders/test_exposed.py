"""Paths that are served without mTLS."""

from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from lictor_connect_proxy.snapshot import ExposedPath
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import LISTENER
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import snapshot
from tests.connect_proxy.xds.live_envoy import envoy, live
from tests.connect_proxy.xds.web import Site, asked, served
from tests.support.ports import free_port


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    async with Site().running() as one:
        yield one


@pytest.mark.parametrize(
    ("address", "ranges"),
    [
        ("0.0.0.0", ["127.0.0.0", "::1"]),
        ("127.0.0.1", ["127.0.0.0", "::1"]),
        ("10.0.0.7", ["127.0.0.0", "::1", "10.0.0.7"]),
    ],
)
def test_paths_for_checks_are_for_this_host_alone(address: str, ranges: list[str]) -> None:
    one = snapshot()
    assert one.public is not None
    path = ExposedPath(path="/check", listener_port=21500, application_port=8080, from_check=True)
    public = msgspec.structs.replace(one.public, bind_address=address)
    found = build(msgspec.structs.replace(one, public=public, exposed=(path,)))
    listener = str(found[LISTENER][f"exposed_path_check:{address}:21500"])
    assert all(f"'address_prefix': '{one}'" in listener for one in ranges)
    assert listener.count("address_prefix") == len(ranges)


@live
async def test_the_path_is_open_and_nothing_beside_it(site: Site, tmp_path: Path) -> None:
    port = free_port()
    path = ExposedPath(path="/health", listener_port=port, application_port=site.port)
    db = msgspec.structs.replace(served(Authority(), site), exposed=(path,))
    async with envoy(db, tmp_path), aiohttp.ClientSession() as session:
        assert (await asked(session, port, "/health?x=1")).status == 200
        before = site.asked
        for other in ("/", "/healthy", "/health/", "/health/../secret", "/a/..%2fsecret"):
            assert (await asked(session, port, other)).status == 404, other
        assert site.asked == before
