"""Where the agent is and how to speak to it: address, token, TLS, time-outs; from the environment and from arguments.

`LICTOR_` variables go before `CONSUL_` ones of the same name. Source: Consul's document `commands/index`, section
"Environment Variables".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from lictor.api.retrying import DEFAULT_RETRY, Retry
from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError

if TYPE_CHECKING:
    from lictor.api.messages import Request
    from lictor.api.watching import WatchSettings

__all__ = ["DEFAULT_ADDRESS", "Consistency", "Endpoint", "Settings", "parse_address"]

Consistency: TypeAlias = Literal["default", "consistent", "stale"]
"""How fresh reads must be. `default`: from the leader. `consistent`: from one that has just made sure that it leads.
`stale`: from any server, perhaps a little behind."""

DEFAULT_ADDRESS: Final = "127.0.0.1:8500"
_PORTS: Final = {"http": 80, "https": 443}
_PREFIXES: Final = ("LICTOR_", "CONSUL_")
_OF_ONE_AGENT: Final = ("/v1/agent/", "/v1/status/")
_TRUE: Final = ("1", "t", "true")
_FALSE: Final = ("0", "f", "false")


@dataclass(frozen=True)
class Endpoint:
    """One address of an agent: host and port, or the path of a unix socket (then `host` is but the Host header)."""

    host: str
    port: int
    tls: bool = False
    unix_path: str = ""

    def __str__(self) -> str:
        if self.unix_path:
            return f"unix://{self.unix_path}"
        return f"{'https' if self.tls else 'http'}://{join_host_port(self.host, self.port)}"

    def authority(self) -> str:
        """The value of the Host header."""
        return self.host if self.unix_path else join_host_port(self.host, self.port)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to reach the agent, and how to ask where a call does not say.

    `timeout_s` bounds every call with all attempts at it, on top of how long a blocking query may wait.
    """

    endpoint: Endpoint = Endpoint("127.0.0.1", 8500)
    token: str = field(default="", repr=False)
    basic_auth: str = field(default="", repr=False)
    ca_file: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    tls_server_name: str = ""
    tls_verify: bool = True
    timeout_s: float = 30.0
    datacenter: str = ""
    namespace: str = ""
    consistency: Consistency = "default"
    retry: Retry = DEFAULT_RETRY
    watching: WatchSettings | None = None

    @staticmethod
    def at(
        address: str = "",
        *,
        token: str = "",
        token_file: str = "",
        ca_file: str = "",
        ca_path: str = "",
        client_cert: str = "",
        client_key: str = "",
        tls_server_name: str = "",
        timeout_s: float = 30.0,
        datacenter: str = "",
        consistency: Consistency = "default",
        retry: Retry | None = None,
        watching: WatchSettings | None = None,
    ) -> Settings:
        """The settings that are given; the environment says what of address, token and TLS is not.

        Raises `ConfigurationError` for an address or a file that cannot be used.
        """
        given = {
            "http_addr": address,
            "token": token,
            "token_file": token_file,
            "ca_file": ca_file,
            "ca_path": ca_path,
            "client_cert": client_cert,
            "client_key": client_key,
            "tls_server_name": tls_server_name,
        }
        return replace(
            Settings.from_environment(given),
            timeout_s=timeout_s,
            datacenter=datacenter,
            consistency=consistency,
            retry=retry or DEFAULT_RETRY,
            watching=watching,
        )

    @staticmethod
    def from_environment(
        given: Mapping[str, str] = MappingProxyType({}), environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """The settings that `given` arguments say (empty ones say nothing), else the environment, else the defaults.

        Keys of `given`: `http_addr`, `token`, `token_file`, `ca_file`, `ca_path`, `client_cert`, `client_key`,
        `tls_server_name`, `namespace`. Raises `ConfigurationError` for an address or a file that cannot be used.
        """

        def chosen(argument: str, variable: str) -> str:
            return given.get(argument, "") or _variable(environment, variable)

        tls = _boolean(environment, "HTTP_SSL", default=False)
        return Settings(
            endpoint=parse_address(chosen("http_addr", "HTTP_ADDR") or DEFAULT_ADDRESS, tls=tls),
            token=_token(environment, given),
            basic_auth=_variable(environment, "HTTP_AUTH"),
            ca_file=chosen("ca_file", "CACERT"),
            ca_path=chosen("ca_path", "CAPATH"),
            client_cert=chosen("client_cert", "CLIENT_CERT"),
            client_key=chosen("client_key", "CLIENT_KEY"),
            tls_server_name=chosen("tls_server_name", "TLS_SERVER_NAME"),
            namespace=chosen("namespace", "NAMESPACE"),
            tls_verify=_boolean(environment, "HTTP_SSL_VERIFY", default=True),
        )

    def headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        headers = {"X-Consul-Token": self.token} if self.token else {}
        if self.basic_auth:
            from base64 import b64encode

            headers["Authorization"] = f"Basic {b64encode(self.basic_auth.encode()).decode()}"
        return headers

    def headers_of(self, request: Request) -> dict[str, str]:
        """The headers that `request` carries."""
        headers = self.headers()
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def applied(self, request: Request) -> Request:
        """`request` with the datacenter and consistency that it leaves open; what asks an agent alone has neither.

        All name the namespace, if there is one: it is for the agent to say that it has none.
        """
        added: list[tuple[str, str]] = [("ns", self.namespace)] if self.namespace else []
        if (not self.datacenter and self.consistency == "default") or request.path.startswith(_OF_ONE_AGENT):
            return replace(request, parameters=(*request.parameters, *added)) if added else request
        names = {name for name, _ in request.parameters}
        if self.datacenter and "dc" not in names:
            added.append(("dc", self.datacenter))
        if self.consistency != "default" and request.method == "GET" and not names & {"stale", "consistent"}:
            added.append((self.consistency, ""))
        return replace(request, parameters=(*request.parameters, *added))

    def watching_settings(self) -> WatchSettings:
        """How watches go about it."""
        from lictor.api.watching import WatchSettings

        return self.watching or WatchSettings()

    def but(
        self,
        *,
        timeout_s: float | None = None,
        token: str | None = None,
        datacenter: str | None = None,
        consistency: Consistency | None = None,
        retry: Retry | None = None,
        watching: WatchSettings | None = None,
    ) -> Settings:
        """These settings with what is given in place of what was."""
        return replace(
            self,
            timeout_s=self.timeout_s if timeout_s is None else timeout_s,
            token=self.token if token is None else token,
            datacenter=self.datacenter if datacenter is None else datacenter,
            consistency=consistency or self.consistency,
            retry=retry or self.retry,
            watching=watching or self.watching,
        )


def parse_address(text: str, *, tls: bool = False) -> Endpoint:
    """The endpoint in `host:port`, `http://host:port`, `https://...` or `unix:///path`.

    `tls` holds where the text names no scheme. Raises `ConfigurationError`.
    """
    if text.startswith("unix://"):
        return Endpoint("localhost", 0, unix_path=text.removeprefix("unix://"))
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("https" if tls else "http"), text
    if scheme not in _PORTS:
        raise ConfigurationError(f"address {text!r}: unknown scheme {scheme!r}; use http, https or unix")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"address {text!r} cannot be read: {error}") from error
    if not host or " " in host or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigurationError(f"address {text!r} is not of the form host:port, such as {DEFAULT_ADDRESS}")
    return Endpoint(host, port or _PORTS[scheme], tls=scheme == "https")


def _variable(environment: Mapping[str, str], name: str) -> str:
    return next((text for prefix in _PREFIXES if (text := environment.get(prefix + name, ""))), "")


def _boolean(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = _variable(environment, name).lower()
    if not text:
        return default
    if text not in _TRUE + _FALSE:
        named = next(prefix + name for prefix in _PREFIXES if environment.get(prefix + name))
        raise ConfigurationError(f"environment variable {named}: {text!r} must be true or false")
    return text in _TRUE


def _token(environment: Mapping[str, str], given: Mapping[str, str]) -> str:
    if given.get("token"):
        return given["token"]
    file = given.get("token_file") or _variable(environment, "HTTP_TOKEN_FILE")
    if not file:
        return _variable(environment, "HTTP_TOKEN")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"token file {file}: {(error.strerror or str(error)).lower()}") from error
