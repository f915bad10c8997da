"""`/v1/agent/connect/xds`."""

from lictor_core.proxy_status import XdsOffer
from tests.agent.http.live import Live

PATH = "/v1/agent/connect/xds"


async def test_it_says_where_envoys_are_served(live: Live) -> None:
    assert (await live.get(PATH)).json == {"Socket": "", "Addresses": [], "TLS": False}
    live.agent.xds = lambda: XdsOffer(socket="/run/x.sock", addresses=("127.0.0.1:8502",), is_secure=True)
    assert (await live.get(PATH)).json == {"Socket": "/run/x.sock", "Addresses": ["127.0.0.1:8502"], "TLS": True}
