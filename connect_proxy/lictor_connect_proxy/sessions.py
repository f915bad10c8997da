"""TLS sessions that a dialer may resume, one for each instance, within the life of one set of TLS contexts.

A resumed handshake skips certificates, which are most of its cost, and so it skips their check. What keeps that safe:

- Server and client keep sessions in their context alone (a server's tickets are sealed by keys of its context), and
  contexts are made anew when the leaf or the roots change, and after `SESSION_S_MAX`. So a session was verified under
  exactly the roots of today, not longer ago than that.
- The certificate of a session is looked at again for every connection: its time, its name, the intentions
  (`layers/identify.py`, `layers/authorize.py`).
"""

from __future__ import annotations

import ssl
from typing import Final, NamedTuple

__all__ = ["SESSIONS_MAX", "SESSION_S_MAX", "SessionKey", "Sessions"]

SESSION_S_MAX: Final = 300.0
"""How long contexts, and with them sessions, are used before they are made anew."""
SESSIONS_MAX: Final = 1024
_REFUSALS_MAX: Final = 2
"""An instance that went on with none of so many sessions in a row is not offered more: some cannot resume at all."""


class SessionKey(NamedTuple):
    """Where a session leads to: the instance's address and the TLS server name that was asked for."""

    host: str
    port: int
    server_name: str


class Sessions:
    """The sessions of one client context; at most `SESSIONS_MAX`, the oldest goes first."""

    def __init__(self) -> None:
        self._sessions: dict[SessionKey, ssl.SSLSession] = {}
        self._refusals: dict[SessionKey, int] = {}

    def find(self, key: SessionKey) -> ssl.SSLSession | None:
        """The session to offer, if there is one."""
        return self._sessions.get(key)

    def wants(self, key: SessionKey) -> bool:
        """Whether a session with this instance would be of use."""
        return key not in self._sessions and self._refusals.get(key, 0) < _REFUSALS_MAX

    def keep(self, key: SessionKey, session: ssl.SSLSession | None) -> None:
        """Take a session that the instance gave a ticket for; others cannot be resumed."""
        if session is None or not session.has_ticket or not self.wants(key):
            return
        if len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[key] = session

    def resumed(self, key: SessionKey) -> None:
        """The instance went on with the session that it was offered."""
        self._refusals.pop(key, None)

    def refused(self, key: SessionKey) -> None:
        """It did not: it has other certificates or keys by now, or never resumes."""
        self._sessions.pop(key, None)
        if key in self._refusals or len(self._refusals) < SESSIONS_MAX:
            self._refusals[key] = self._refusals.get(key, 0) + 1
