"""Access logs as proxy-defaults ask for them."""

import pytest

from lictor_connect_proxy.xds.builders.logs import access_logs, listener_logs
from lictor_core.records import JsonObject


@pytest.mark.parametrize("config", [{}, {"access_logs": {}}, {"access_logs": {"Enabled": False}}, {"access_logs": 5}])
def test_nothing_is_logged_unasked(config: JsonObject) -> None:
    assert access_logs(config) == []
    assert listener_logs(config) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "StdoutAccessLog"),
        ({"Type": "stdout"}, "StdoutAccessLog"),
        ({"Type": "stderr"}, "StderrAccessLog"),
        ({"Type": "file", "Path": "/var/log/a"}, "'path': '/var/log/a'"),
        ({"TextFormat": "%PATH%"}, r"{'text_format_source': {'inline_string': '%PATH%\n'}}"),
        ({"JSONFormat": '{"p": "%PATH%"}'}, "{'json_format': {'p': '%PATH%'}}"),
        ({"JSONFormat": "no JSON"}, "%RESPONSE_CODE%"),
        ({}, "%DOWNSTREAM_PEER_URI_SAN%"),
    ],
)
def test_a_log_is_where_and_what_was_asked_for(asked: JsonObject, expected: str) -> None:
    (log,) = access_logs({"access_logs": {"Enabled": True, **asked}})
    assert expected in str(log)


def test_listeners_are_quiet_when_asked() -> None:
    asked: JsonObject = {"access_logs": {"Enabled": True, "DisableListenerLogs": True}}
    assert listener_logs(asked) == []
    assert access_logs(asked) != []
    assert "response_flag_filter" in str(listener_logs({"access_logs": {"Enabled": True}}))
