"""Where the agent is: arguments before LICTOR_ before CONSUL_ before the default."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor.api.messages import Request
from lictor.api.settings import Endpoint, Settings, parse_address
from lictor_core.errors import ConfigurationError

ADDRESSES = {
    "127.0.0.1:8500": Endpoint("127.0.0.1", 8500),
    "localhost:80": Endpoint("localhost", 80),
    "host": Endpoint("host", 80),
    "http://host:81": Endpoint("host", 81),
    "http://host:81/": Endpoint("host", 81),
    "https://host": Endpoint("host", 443, tls=True),
    "[::1]:8500": Endpoint("::1", 8500),
    "unix:///run/x.sock": Endpoint("localhost", 0, unix_path="/run/x.sock"),
}


@pytest.mark.parametrize(("text", "endpoint"), ADDRESSES.items())
def test_addresses_are_read(text: str, endpoint: Endpoint) -> None:
    assert parse_address(text) == endpoint


@pytest.mark.parametrize(
    "text", ["foo://x", "a b", "host:port", "host:99999", "http://host/path", "http://", "h?x", "http://[::1"]
)
def test_other_addresses_are_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="address"):
        parse_address(text)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_one_error(text: str) -> None:
    try:
        endpoint = parse_address(text)
    except ConfigurationError:
        return
    assert endpoint.host or endpoint.unix_path == ""


@pytest.mark.parametrize("endpoint", ADDRESSES.values(), ids=str)
def test_an_endpoint_is_written_so_that_it_can_be_read(endpoint: Endpoint) -> None:
    assert parse_address(str(endpoint)) == endpoint


def test_lictors_variables_go_before_consuls() -> None:
    environment = {"LICTOR_HTTP_ADDR": "lictor:1", "CONSUL_HTTP_ADDR": "consul:1", "CONSUL_HTTP_TOKEN": "c"}
    settings = Settings.from_environment({}, environment)
    assert (settings.endpoint, settings.token) == (Endpoint("lictor", 1), "c")
    assert Settings.from_environment({"http_addr": "flag:1"}, environment).endpoint == Endpoint("flag", 1)
    assert Settings.from_environment({}, {}).endpoint == Endpoint("127.0.0.1", 8500)


def test_the_scheme_may_come_from_the_environment() -> None:
    assert Settings.from_environment({}, {"CONSUL_HTTP_SSL": "true", "CONSUL_HTTP_ADDR": "h:1"}).endpoint.tls
    assert not Settings.from_environment({}, {"CONSUL_HTTP_SSL": "1", "CONSUL_HTTP_ADDR": "http://h:1"}).endpoint.tls
    assert not Settings.from_environment({}, {"CONSUL_HTTP_SSL_VERIFY": "0"}).tls_verify
    with pytest.raises(ConfigurationError, match="HTTP_SSL"):
        Settings.from_environment({}, {"LICTOR_HTTP_SSL": "perhaps"})


def test_a_token_comes_from_a_flag_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    environment = {"CONSUL_HTTP_TOKEN": "from-environment"}
    assert Settings.from_environment({"token": "from-flag", "token_file": str(file)}, environment).token == "from-flag"
    assert Settings.from_environment({"token_file": str(file)}, environment).token == "from-file"
    assert Settings.from_environment({}, {"LICTOR_HTTP_TOKEN_FILE": str(file)}).token == "from-file"
    assert Settings.from_environment({}, environment).token == "from-environment"
    with pytest.raises(ConfigurationError, match="no such file"):
        Settings.from_environment({"token_file": str(tmp_path / "none")}, {})


def test_secrets_are_not_shown() -> None:
    settings = Settings(token="hush", basic_auth="me:hush")
    assert "hush" not in repr(settings)
    assert settings.headers() == {"X-Consul-Token": "hush", "Authorization": "Basic bWU6aHVzaA=="}


@pytest.mark.parametrize("path", ["/v1/kv/a", "/v1/agent/services"])
def test_a_namespace_is_named_in_every_request(path: str) -> None:
    request = Request(method="GET", path=path, parameters=(("recurse", ""),))
    assert Settings.from_environment({}, {}).applied(request) == request
    for settings in (
        Settings.from_environment({}, {"CONSUL_NAMESPACE": "dev"}),
        Settings.from_environment({"namespace": "dev"}, {"CONSUL_NAMESPACE": "other"}),
    ):
        assert settings.applied(request).parameters == (("recurse", ""), ("ns", "dev"))


@pytest.mark.parametrize("variable", ["CONSUL_HTTP_SSL", "LICTOR_HTTP_SSL_VERIFY"])
def test_a_variable_that_is_neither_true_nor_false_is_named_as_it_was_given(variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"environment variable {variable}: 'maybe'"):
        Settings.from_environment({}, {variable: "maybe"})
