"""A running server for a test, and what it and the agent logged: those of the server's own tests."""

from tests.server.conftest import log, server

__all__ = ["log", "server"]
