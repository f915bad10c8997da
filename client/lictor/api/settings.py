"""Where the agent is and how to speak to it: address, token, TLS, time-outs; from the environment and from arguments.

`LICTOR_` variables go before `CONSUL_` ones of the same name. Source: Consul's document `commands/index`, section
"Environment Variables".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError

__all__ = ["DEFAULT_ADDRESS", "Endpoint", "Settings", "parse_address"]

DEFAULT_ADDRESS: Final = "127.0.0.1:8500"
_PORTS: Final = {"http": 80, "https": 443}
_PREFIXES: Final = ("LICTOR_", "CONSUL_")
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
    """How to reach the agent. `timeout_s` bounds every call, on top of how long a blocking query may wait."""

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

    @staticmethod
    def from_environment(
        given: Mapping[str, str] = MappingProxyType({}), environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """The settings that `given` arguments say (empty ones say nothing), else the environment, else the defaults.

        Keys of `given`: `http_addr`, `token`, `token_file`, `ca_file`, `ca_path`, `client_cert`, `client_key`,
        `tls_server_name`. Raises `ConfigurationError` for an address or a file that cannot be used.
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
            tls_verify=_boolean(environment, "HTTP_SSL_VERIFY", default=True),
        )

    def headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        headers = {"X-Consul-Token": self.token} if self.token else {}
        if self.basic_auth:
            from base64 import b64encode

            headers["Authorization"] = f"Basic {b64encode(self.basic_auth.encode()).decode()}"
        return headers


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
        raise ConfigurationError(f"environment variable {name}: {text!r} must be true or false")
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
