import pytest

from lictor_connect_proxy import AgentAddress, ProxyOptions
from lictor_connect_proxy.options import public_listener, upstream_listeners
from lictor_connect_proxy.snapshot import PublicListener, UpstreamListener
from lictor_core.errors import ConfigurationError


@pytest.mark.parametrize(
    "options",
    [
        ProxyOptions(sidecar_for="web-1"),
        ProxyOptions(proxy_id="web-1-sidecar-proxy"),
        ProxyOptions(service="web", upstreams=("db:9191", "cache:127.0.0.2:9192")),
        ProxyOptions(service="web", listen=":8443", service_addr="127.0.0.1:8080", register=True, register_id="a"),
    ],
)
def test_flags_that_go_together_pass(options: ProxyOptions) -> None:
    options.check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ProxyOptions(), "give -sidecar-for, -proxy-id or -service"),
        (ProxyOptions(sidecar_for="a", service="b"), "-sidecar-for and -service each name a proxy"),
        (ProxyOptions(sidecar_for="a", upstreams=("db:1",)), "go with -service"),
        (ProxyOptions(proxy_id="a", listen=":1"), "go with -service"),
        (ProxyOptions(service="a", listen=":8443"), "-listen needs -service-addr"),
        (ProxyOptions(service="a", register=True), "-register needs -listen"),
        (ProxyOptions(service="a"), "nothing to serve: give -listen with -service-addr"),
        (ProxyOptions(service="a", service_addr=":80"), "-service-addr needs -listen"),
        (ProxyOptions(service="a", service_addr=":80", upstreams=("db:1",)), "-service-addr needs -listen"),
        (
            ProxyOptions(service="a", listen=":8443", service_addr=":80", register_id="x"),
            "-register-id needs -register",
        ),
        (
            ProxyOptions(service="a", upstreams=("db:1", "api:1")),
            r"-upstream db and -upstream api both listen on 127.0.0.1:1",
        ),
        (
            ProxyOptions(service="a", listen="127.0.0.1:81", service_addr=":80", upstreams=("db:81",)),
            "-listen and -upstream db both listen",
        ),
        (ProxyOptions(service="a", upstreams=("db",)), "not name:address"),
        (ProxyOptions(service="a", upstreams=(":80",)), "not name:address"),
        (ProxyOptions(service="a", upstreams=("db:",)), r"not \[host\]:port"),
        (ProxyOptions(service="a", upstreams=("db:0",)), "from 1 to 65535"),
        (ProxyOptions(service="a", upstreams=("db:65536",)), "from 1 to 65535"),
        (ProxyOptions(service="a", listen="8443", service_addr=":80"), "-listen: '8443'"),
        (ProxyOptions(service="a", listen=":8443", service_addr="http://x"), "-service-addr"),
    ],
)
def test_flags_that_do_not_go_together_are_refused_by_name(options: ProxyOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        options.check()


def test_a_listener_without_host_is_on_all_addresses_and_leads_to_loopback() -> None:
    options = ProxyOptions(service="web", listen=":8443", service_addr=":8080")
    assert public_listener(options) == PublicListener(
        bind_address="0.0.0.0", bind_port=8443, application_host="127.0.0.1", application_port=8080
    )


def test_upstreams_listen_on_loopback_unless_they_say_otherwise() -> None:
    options = ProxyOptions(service="web", upstreams=("db:9191", "cache:[::1]:9192"))
    assert upstream_listeners(options) == (
        UpstreamListener(service="db", bind_address="127.0.0.1", bind_port=9191),
        UpstreamListener(service="cache", bind_address="::1", bind_port=9192),
    )


def test_a_token_is_never_shown() -> None:
    assert "secret" not in repr(ProxyOptions(service="web", agent=AgentAddress(token="secret")))
