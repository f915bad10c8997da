"""Check definitions and their rules. Texts are the real Consul's."""

import pytest

from lictor_config.checks import CheckDefinition, CheckKind
from lictor_config.definitions import DefinitionError, Dialect, parse_check

INTERVAL = "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"
NEEDS_TTL = "Invalid check: TTL must be > 0 for TTL checks"

# What the real Consul 1.8.7 answers to each body, asked at /v1/agent/check/register
REFUSED: list[tuple[dict[str, object], str]] = [
    ({}, "Missing check name"),
    ({"TTL": "5s"}, "Missing check name"),
    ({"ID": "x", "TTL": "5s"}, "Missing check name"),
    ({"Name": "x"}, NEEDS_TTL),
    ({"Name": "x", "Interval": "5s"}, NEEDS_TTL),
    ({"Name": "x", "TTL": "-1s"}, NEEDS_TTL),
    ({"Name": "x", "DockerContainerID": "x", "Interval": "5s"}, NEEDS_TTL),
    ({"Name": "x", "Shell": "true", "Interval": "5s"}, NEEDS_TTL),
    ({"Name": "x", "Script": "true", "Interval": "5s"}, 'Request decode failed: json: unknown field "Script"'),
    ({"Name": "x", "GRPC": "x:1"}, INTERVAL),
    ({"Name": "x", "HTTP": "http://x"}, INTERVAL),
    ({"Name": "x", "HTTP": "http://x", "Interval": "0s"}, INTERVAL),
    ({"Name": "x", "HTTP": "http://x", "TTL": "5s"}, INTERVAL),
    ({"Name": "x", "Args": ["true"]}, INTERVAL),
    ({"Name": "x", "AliasService": "y", "HTTP": "http://x"}, INTERVAL),
    ({"Name": "x", "TTL": "5s", "Interval": "5s"}, "Invalid check: Interval and TTL cannot both be specified"),
    ({"Name": "x", "TTL": "5s", "AliasService": "y"}, "Invalid check: TTL must be not be set for Alias checks"),
    ({"Name": "x", "TTL": "5s", "OutputMaxSize": -1}, "Invalid check: MaxOutputMaxSize must be positive"),
    ({"Name": "x", "TTL": "5s", "Status": "bogus"}, "Bad check status"),
    ({"Name": "x", "TTL": "5s", "Status": "maintenance"}, "Bad check status"),
    ({"Name": "x", "TTL": "5s", "Bogus": 1}, 'Request decode failed: json: unknown field "Bogus"'),
    ({"Name": "x", "TTL": "5s", "CheckID": "y"}, 'Request decode failed: json: unknown field "CheckID"'),
    ({"Name": "x", "Definition": {}}, 'Request decode failed: json: unknown field "Definition"'),
]
KINDS: list[tuple[dict[str, object], CheckKind]] = [
    ({"TTL": "5s"}, CheckKind.TTL),
    ({"HTTP": "http://x", "Interval": "5s"}, CheckKind.HTTP),
    ({"HTTP": "http://x", "TCP": "x:1", "Interval": "5s"}, CheckKind.HTTP),
    ({"TCP": "x:1", "Interval": "5s"}, CheckKind.TCP),
    ({"GRPC": "x:1", "Interval": "5s"}, CheckKind.GRPC),
    ({"Args": ["true"], "Interval": "5s"}, CheckKind.SCRIPT),
    ({"ScriptArgs": ["true"], "Interval": "5s"}, CheckKind.SCRIPT),
    ({"Args": ["true"], "DockerContainerID": "x", "Interval": "5s"}, CheckKind.DOCKER),
    ({"AliasService": "web"}, CheckKind.ALIAS),
    ({"AliasNode": "other"}, CheckKind.ALIAS),
    ({"AliasService": "web", "Interval": "5s"}, CheckKind.ALIAS),
    ({"UDP": "x:1", "Interval": "5s"}, CheckKind.UDP),
    ({"UDP": "x:1", "TCP": "x:1", "Interval": "5s"}, CheckKind.TCP),
    ({"H2PING": "x:1", "Interval": "5s"}, CheckKind.H2PING),
    ({"H2PING": "x:1", "Args": ["true"], "Interval": "5s"}, CheckKind.SCRIPT),
    ({"OSService": "x", "Interval": "5s"}, CheckKind.OS_SERVICE),
    ({"OSService": "x", "H2PING": "x:1", "Interval": "5s"}, CheckKind.H2PING),
]


@pytest.mark.parametrize(("body", "answer"), REFUSED)
def test_a_bad_body_gets_consuls_answer(body: dict[str, object], answer: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_check(body)
    assert str(caught.value) == answer


@pytest.mark.parametrize(("body", "kind"), KINDS)
def test_the_kind_of_a_check_is_what_it_is_done_by(body: dict[str, object], kind: CheckKind) -> None:
    check = parse_check({"Name": "x", **body})
    assert check.kind is kind
    assert check.runs_command == (kind in (CheckKind.SCRIPT, CheckKind.DOCKER))


def test_every_key_is_read() -> None:
    check = parse_check(
        {
            "ID": "i",
            "Name": "n",
            "Notes": "o",
            "ServiceID": "s",
            "Token": "t",
            "Status": "passing",
            "HTTP": "http://x",
            "Header": {"a": ["b", "c"]},
            "Method": "POST",
            "Body": "y",
            "TLSSkipVerify": True,
            "Interval": "10s",
            "Timeout": 2_000_000_000,
            "SuccessBeforePassing": 2,
            "FailuresBeforeCritical": 3,
            "DeregisterCriticalServiceAfter": "90m",
            "OutputMaxSize": 100,
        }
    )
    assert check == CheckDefinition(
        check_id="i",
        name="n",
        notes="o",
        service_id="s",
        token="t",
        status="passing",
        http="http://x",
        header={"a": ("b", "c")},
        method="POST",
        body="y",
        tls_skip_verify=True,
        interval_s=10,
        timeout_s=2,
        success_before_passing=2,
        failures_before_critical=3,
        deregister_critical_service_after_s=5400,
        output_max_size=100,
    )


def test_keys_of_later_versions_are_read_in_both_forms() -> None:
    camel = {
        "Name": "x",
        "Interval": "5s",
        "H2PING": "a:1",
        "H2PingUseTLS": False,
        "UDP": "b:1",
        "OSService": "c",
        "TLSServerName": "d",
        "DisableRedirects": True,
        "FailuresBeforeWarning": 2,
        "FailuresBeforeCritical": 3,
    }
    snake = {
        "name": "x",
        "interval": "5s",
        "h2ping": "a:1",
        "h2ping_use_tls": False,
        "udp": "b:1",
        "os_service": "c",
        "tls_server_name": "d",
        "disable_redirects": True,
        "failures_before_warning": 2,
        "failures_before_critical": 3,
    }
    expected = CheckDefinition(
        name="x",
        interval_s=5,
        h2ping="a:1",
        h2ping_use_tls=False,
        udp="b:1",
        os_service="c",
        tls_server_name="d",
        disable_redirects=True,
        failures_before_warning=2,
        failures_before_critical=3,
    )
    assert parse_check(camel) == parse_check(snake, Dialect.FILE) == expected


def test_a_ping_uses_tls_unless_told_otherwise() -> None:
    assert parse_check({"Name": "x", "H2PING": "a:1", "Interval": "5s"}).h2ping_use_tls


@pytest.mark.parametrize("kind", [{"UDP": "x:1"}, {"H2PING": "x:1"}, {"OSService": "x"}])
def test_kinds_of_later_versions_need_an_interval(kind: dict[str, object]) -> None:
    with pytest.raises(DefinitionError, match="Interval must be > 0"):
        parse_check({"Name": "x", **kind})


def test_a_warning_comes_no_later_than_critical() -> None:
    body = {"Name": "x", "TCP": "x:1", "Interval": "5s", "FailuresBeforeWarning": 3, "FailuresBeforeCritical": 2}
    with pytest.raises(DefinitionError, match="FailuresBeforeWarning can't be higher than FailuresBeforeCritical"):
        parse_check(body)
    assert parse_check({**body, "FailuresBeforeWarning": 2}).failures_before_warning == 2


def test_snake_case_is_read_too() -> None:
    body = {
        "name": "x",
        "http": "y",
        "interval": "1s",
        "tls_skip_verify": True,
        "deregister_critical_service_after": "1m",
    }
    check = parse_check(body)
    assert (check.tls_skip_verify, check.deregister_critical_service_after_s) == (True, 60)


def test_in_a_file_an_id_may_stand_for_the_name() -> None:
    assert parse_check({"id": "x", "ttl": "5s"}, Dialect.FILE).check_id == "x"
    with pytest.raises(DefinitionError, match="Missing check name"):
        parse_check({"ttl": "5s"}, Dialect.FILE)


def test_several_flaws_are_told_together() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_check({"TTL": "5s", "Interval": "5s", "Status": "x", "OutputMaxSize": -1})
    assert len(caught.value.problems) == 4
