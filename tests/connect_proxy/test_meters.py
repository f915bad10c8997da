from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.meters import ProxyMeter
from tests.connect_proxy.observed import Looked, Relay
from tests.support.clock import ManualClock


async def test_counts_times_and_gauges_reach_the_meter() -> None:
    observed = Looked()
    before = observed.figures.flow("inbound", "web", "db")
    meter = ProxyMeter(observed, ManualClock())
    before.opened(Relay(10, 20))
    observed.figures.flow("outbound", "db", "cache", "cache").opened(Relay(1, 2))
    observed.figures.tally.add(Counted.DENIED, "web -> db")
    observed.figures.dialed("cache", 0.25)
    meter.meter.turn()
    counted = {(series.name, tuple(text for _, text in series.labels)): total.sum
               for series, total in meter.meter.counters.items()}  # fmt: skip
    assert counted["proxy.bytes", ("inbound", "web", "db", "local")] == 10
    assert counted["proxy.connections", ("outbound", "db", "cache", "cache")] == 1
    assert counted["proxy.denied", ()] == 1
    assert [total.sum for series, total in meter.meter.samples.items() if series.name == "proxy.dial"] == [250.0]
    gauges = {gauge.name: gauge.value for gauge in await meter.gauges()}
    assert gauges["proxy.connections.open"] == 1
    assert gauges["proxy.source.age_s"] == 1.5
