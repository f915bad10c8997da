import pytest

from lictor_connect_proxy.driver.accesses import Access, AccessLog, AccessSettings, access_settings
from lictor_connect_proxy.figures import Figures
from lictor_core.clock import SeededRng
from lictor_core.records import JsonObject
from tests.connect_proxy.live import Events


def _access(reason: str = "") -> Access:
    flow = Figures("web").flow("outbound", "web", "db", "db")
    return Access(flow, "127.0.0.1:4000", "node/db-1", 10, 20, 0.5, reason)


def _levels(settings: AccessSettings, *reasons: str) -> list[str]:
    events = Events()
    log = AccessLog(events.log, SeededRng(1))
    log.settings = settings
    for reason in reasons:
        log.write(_access(reason))
    return [event["log_level"] for event in events.named("proxy.connection.closed")]


@pytest.mark.parametrize(
    ("which", "in_order", "broken"), [("all", "info", "info"), ("errors", "debug", "info"), ("off", "debug", "debug")]
)
def test_settings_say_which_connections_are_told_of(which: str, in_order: str, broken: str) -> None:
    assert _levels(AccessSettings(which), "", "local: reset") == [in_order, broken]


def test_a_share_of_those_in_order_is_told_and_all_that_broke() -> None:
    levels = _levels(AccessSettings("all", 0.25), *([""] * 1000))
    assert 200 < levels.count("info") < 300
    assert _levels(AccessSettings("all", 0.0), "", "local: reset") == ["debug", "info"]


def test_a_line_says_who_where_to_how_much_and_how_long() -> None:
    events = Events()
    AccessLog(events.log, SeededRng(1)).write(_access("mesh: reset"))
    (line,) = events.named("proxy.connection.closed")
    assert {key: line[key] for key in line if key not in ("event", "log_level")} == {
        "direction": "outbound",
        "source": "web",
        "destination": "db",
        "upstream": "db",
        "peer": "127.0.0.1:4000",
        "instance": "node/db-1",
        "to_local_bytes": 10,
        "to_mesh_bytes": 20,
        "duration_ms": 500.0,
        "reason": "mesh: reset",
        "decision": "",
    }


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ({}, AccessSettings()),
        ({"access_log": "all", "access_log_sample": 0.5}, AccessSettings("all", 0.5)),
        ({"access_log": "ALL", "access_log_sample": 2}, AccessSettings()),
    ],
)
def test_what_is_said_wrongly_is_as_if_not_said(config: JsonObject, settings: AccessSettings) -> None:
    assert access_settings(config) == settings
