"""The HTTP API as tests use it to prepare and to look: plain requests, parsed answers."""

import http.client
import json
import socket

from tests.support.recorder.json_types import Json, parse

WAIT_S_MAX = 60.0
"""How long tests wait for what an agent brings about by itself."""

_ANSWER_S_MAX = 30.0


def call(address: str, method: str, path: str, body: Json = None) -> Json:
    """Send a request to `host:port` and return the parsed answer; None when it is empty.

    Raises `AssertionError` for a status other than 200, with the answer in the message.
    """
    connection = http.client.HTTPConnection(address, timeout=_ANSWER_S_MAX)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, f"{method} {path}: {answer.status} {content.decode(errors='replace')}"
    return parse(content) if content.strip() else None


def answers(address: str, path: str) -> bool:
    """Whether a GET there is answered with status 200."""
    connection = http.client.HTTPConnection(address, timeout=_ANSWER_S_MAX)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), 1.0).close()
    except OSError:
        return False
    return True
