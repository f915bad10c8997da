"""What upstreams lead to."""

import msgspec

from lictor_connect_proxy.snapshot import ProxySnapshot, QueryResult, UpstreamListener
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, LISTENER
from lictor_core.entries.chains import Chain
from tests.connect_proxy.build import TRUST_DOMAIN, endpoint, service_id, snapshot
from tests.connect_proxy.xds.chains import compiled

DB = f"db.default.dc1.internal.{TRUST_DOMAIN}"


def led_by(chain: Chain, **numbers: int) -> ProxySnapshot:
    """A proxy with one upstream to the service of the chain; instances by the first part of their target's id."""
    upstream = UpstreamListener(service=chain.service_name, bind_port=9191)
    instances = {id: (endpoint(numbers.get(id.partition(".")[0], 99)),) for id in chain.targets}
    return msgspec.structs.replace(
        snapshot(service="web"), public=None, upstreams=(upstream,), chains={upstream.key: chain}, instances=instances
    )


def test_an_upstream_of_which_nothing_is_known_yet_has_no_listener() -> None:
    one = msgspec.structs.replace(led_by(compiled("db")), instances={})
    found = build(one)
    assert LISTENER not in found
    assert CLUSTER not in found


def test_the_cluster_of_a_chain_has_the_name_of_its_target() -> None:
    found = build(led_by(compiled("db"), db=7))
    assert list(found[CLUSTER]) == [DB]
    assert "192.0.2.7" in str(found[ENDPOINTS][DB])


def test_a_redirect_leads_to_the_other_service_and_to_nobody_else() -> None:
    chain = compiled("db", {"Kind": "service-resolver", "Name": "db", "Redirect": {"Service": "other"}})
    found = build(led_by(chain))
    ((name, cluster),) = found[CLUSTER].items()
    assert name.startswith("other.default.dc1.internal.")
    assert service_id("other").uri() in str(cluster)
    assert service_id("db").uri() not in str(cluster)


def test_failover_is_another_tier_of_the_same_cluster() -> None:
    chain = compiled(
        "db",
        {"Kind": "service-resolver", "Name": "db", "Failover": {"*": {"Service": "spare"}}, "ConnectTimeout": "2s"},
    )
    found = build(led_by(chain, db=1, spare=2))
    assert list(found[CLUSTER]) == [DB]
    assert found[CLUSTER][DB]["connect_timeout"] == "2s"
    assert "192.0.2.2" in str(found[ENDPOINTS][DB])
    assert service_id("spare").uri() in str(found[CLUSTER][DB]["transport_socket_matches"])


def test_a_prepared_query_takes_the_services_that_it_found() -> None:
    upstream = UpstreamListener(service="nearest", is_query=True, bind_port=9191)
    one = msgspec.structs.replace(
        snapshot(service="web"),
        upstreams=(upstream,),
        endpoints={upstream.key: (endpoint(1),)},
        queried={upstream.key: QueryResult("db", "dc2")},
    )
    cluster = build(one)[CLUSTER][f"nearest.default.dc1.query.{TRUST_DOMAIN}"]
    assert service_id("db", datacenter="dc2").uri() in str(cluster)
    assert service_id("nearest").uri() not in str(cluster)
