"""Log lines in the machine's syslog, as `enable_syslog` asks for."""

from __future__ import annotations

import logging
import os
from logging.handlers import SysLogHandler
from typing import Final

from lictor_core.errors import ConfigurationError

__all__ = ["Syslog"]

_DEVICE: Final = "/dev/log"
_PRIORITIES: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class Syslog:
    """A sink that hands lines to the machine's syslog. `facility` is a name such as LOCAL0."""

    def __init__(self, facility: str, *, name: str = "lictor", device: str = _DEVICE) -> None:
        """Connect. Raises `ConfigurationError` when there is no such facility, or nobody listens."""
        number = SysLogHandler.facility_names.get(facility.lower())
        if number is None:
            names = ", ".join(sorted(one.upper() for one in SysLogHandler.facility_names))
            raise ConfigurationError(f"syslog_facility: {facility!r} is none of {names}")
        if not os.path.exists(device):  # the handler itself takes it for one that starts later
            raise ConfigurationError(
                f"enable_syslog: nobody listens at {device}; start a syslog daemon, or leave enable_syslog out"
            )
        self._handler = _Quiet(device, number)
        self._handler.ident = f"{name}: "

    def __call__(self, level: str, line: str) -> None:
        """Hand over one line."""
        number = _PRIORITIES.get(level, logging.ERROR)
        self._handler.emit(logging.LogRecord("lictor", number, "", 0, line, None, None))

    def close(self) -> None:
        """End the connection."""
        self._handler.close()


class _Quiet(SysLogHandler):
    """A handler for which a syslog daemon that went away is nothing to tell: it connects again by itself."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: the line is lost."""
