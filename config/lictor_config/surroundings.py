"""What must hold of settings about clients, metrics, logs and files, and what of them is worth a warning.

The other rules are in `relations`, which asks here, too. Source: refusals and warnings of Consul 1.8.7.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from lictor_config.sections import STATSD_PORT
from lictor_config.tree import Configuration
from lictor_core.addresses import split_host_port
from lictor_core.errors import RequestError
from lictor_core.keyring import parse_key

__all__ = ["flaws", "warnings"]

_FACILITIES: Final = (
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP", "LOCAL0",
    "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
)  # fmt: skip
_UI_PATH: Final = re.compile(r"/?[A-Za-z0-9_/-]*/?")
_UI_PATH_TAKEN: Final = re.compile(r"v[0-9]")
_MODE: Final = re.compile(r"0?[0-7]{3,4}")
_DOWN_POLICIES: Final = ("allow", "deny", "extend-cache", "async-cache")


def flaws(configuration: Configuration) -> Iterator[str]:
    """Everything here that forbids a configuration."""
    for rule in (_clients, _metrics, _logs, _secrets):
        yield from rule(configuration)


def warnings(configuration: Configuration) -> Iterator[str]:
    """What works but was perhaps not meant."""
    if "acl_datacenter" in configuration.given:
        yield "acl_datacenter is the older name of primary_datacenter; to name it turns ACLs on"
    for rule in configuration.telemetry.prefix_filter:
        if not rule.startswith(("+", "-")):
            yield f"telemetry.prefix_filter: {rule!r} has no effect: a rule begins with + or -"
    if configuration.default_query_time_s > configuration.max_query_time_s:
        yield (
            f"default_query_time, {configuration.default_query_time_s:g} s, is above max_query_time, "
            f"{configuration.max_query_time_s:g} s, which holds"
        )


def _clients(configuration: Configuration) -> Iterator[str]:
    for network in configuration.http.allow_write_http_from:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield f"http_config.allow_write_http_from: {network!r} is no network; write one such as 127.0.0.0/8"
    given = configuration.given
    if given.get("ui") is True and given.get("ui_dir"):
        yield "ui_dir: cannot be given together with ui = true, which serves the UI that is built in"
    path = given.get("ui_content_path", "")
    if isinstance(path, str) and (_UI_PATH.fullmatch(path) is None or _UI_PATH_TAKEN.search(path)):
        yield f"ui_content_path: {path!r} must consist of letters, digits, -, _ and /, without v and a digit"
    mode = configuration.unix_sockets.mode
    if mode and _MODE.fullmatch(mode) is None:
        yield f"unix_sockets.mode: {mode!r} is no permission; write octal digits such as 0700"
    for key, seconds in {
        "default_query_time": configuration.default_query_time_s,
        "max_query_time": configuration.max_query_time_s,
    }.items():
        if seconds <= 0:
            yield f"{key}: {seconds:g} s is too short; use 1s or more"


def _metrics(configuration: Configuration) -> Iterator[str]:
    cache, telemetry = configuration.cache, configuration.telemetry
    if cache.entry_fetch_rate <= 0:
        yield f"cache.entry_fetch_rate: {cache.entry_fetch_rate:g} must be above 0"
    if cache.entry_fetch_max_burst <= 0:
        yield f"cache.entry_fetch_max_burst: {cache.entry_fetch_max_burst} must be above 0"
    if telemetry.prometheus_retention_time_s < 0:
        yield f"telemetry.prometheus_retention_time: {telemetry.prometheus_retention_time_s:g} s is below 0"
    for key, address in {
        "dogstatsd_addr": telemetry.dogstatsd_addr,
        "statsd_address": telemetry.statsd_address,
        "statsite_address": telemetry.statsite_address,
    }.items():
        if address:
            try:
                split_host_port(address, STATSD_PORT)
            except RequestError as error:
                yield f"telemetry.{key}: {error}"
    if configuration.session_ttl_min_s < 0:
        yield f"session_ttl_min: {configuration.session_ttl_min_s:g} s is below 0"


def _logs(configuration: Configuration) -> Iterator[str]:
    log = configuration.log
    if log.rotate_duration_s <= 0:
        yield f"log_rotate_duration: {log.rotate_duration_s:g} s is too short; use 1s or more"
    if log.rotate_bytes < 0:
        yield f"log_rotate_bytes: {log.rotate_bytes} is below 0; leave it out for files of any size"
    if log.syslog_facility not in _FACILITIES:
        yield f"syslog_facility: {log.syslog_facility!r} is none of {', '.join(_FACILITIES)}"


def _secrets(configuration: Configuration) -> Iterator[str]:
    if configuration.encrypt.key:
        try:
            parse_key(configuration.encrypt.key)
        except RequestError as error:
            yield f"encrypt: is no key: {error}; `lictor keygen` makes one"
    if configuration.acl.down_policy not in _DOWN_POLICIES:
        yield f"acl.down_policy: {configuration.acl.down_policy!r} is none of {', '.join(_DOWN_POLICIES)}"
