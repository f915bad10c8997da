import msgspec
from prometheus_client.parser import text_string_to_metric_families

from lictor_connect_proxy.exposition import exposed
from lictor_connect_proxy.layers.tally import Counted
from tests.connect_proxy.build import policy, rule
from tests.connect_proxy.observed import Looked, Relay
from tests.support.clock import ManualClock


def _scraped(observed: Looked, clock: ManualClock) -> dict[tuple[str, tuple[str, ...]], float]:
    text = exposed(observed, clock).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_tells_flows_refusals_dials_and_ages() -> None:
    observed = Looked()
    figures = observed.figures
    figures.flow("inbound", "web", "db").opened(Relay(10, 20))
    figures.tally.add(Counted.HANDSHAKE_FAILED, "time is up")
    figures.tally.add(Counted.DENIED, "web -> db")
    figures.tally.add(Counted.REVOKED, "web -> db", 4)
    figures.dialed("db", 0.003)
    observed.snapshot = msgspec.structs.replace(observed.snapshot, policy=policy(rule("web", "deny")))
    found = _scraped(observed, ManualClock())
    inbound = ("", "db", "inbound", "web")
    assert found["lictor_proxy_connections_open", inbound] == 1
    assert found["lictor_proxy_connections_total", inbound] == 1
    assert found["lictor_proxy_bytes_total", tuple(sorted((*inbound, "local")))] == 10
    assert found["lictor_proxy_bytes_total", tuple(sorted((*inbound, "mesh")))] == 20
    assert found["lictor_proxy_handshake_failed_total", ("time is up",)] == 1
    assert found["lictor_proxy_denied_total", ("web -> db",)] == 1
    assert found["lictor_proxy_revoked_total", ("web -> db",)] == 4
    assert found["lictor_proxy_dial_seconds_bucket", ("0.0025", "db")] == 0
    assert found["lictor_proxy_dial_seconds_bucket", ("0.005", "db")] == 1
    assert found["lictor_proxy_dial_seconds_bucket", ("+Inf", "db")] == 1
    assert found["lictor_proxy_policy_rules", ()] == 1
    assert found["lictor_proxy_source_age_seconds", ("intentions",)] == 1.5
    assert found["lictor_proxy_configured", ()] == 1
