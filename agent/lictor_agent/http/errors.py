"""The one map from errors to HTTP answers: status, text, headers.

Consul answers errors as plain text without a line end. Its statuses are not always those of the table in
`lictor_core.errors` (a name that is missing is a 500 in some places): a `Refusal` carries the status that Consul gives
in its place.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from lictor_agent.http.encoding import Answer
from lictor_core.errors import (
    BodyTooLargeError,
    LictorError,
    MethodError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitedError,
    RequestError,
)

__all__ = ["RETRY_AFTER_S", "Refusal", "answer_error", "refusing_with"]

RETRY_AFTER_S: Final = 1
"""What `Retry-After` says when a bound is reached: one second lets most bursts pass."""

_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


class Refusal(RequestError):
    """The request is wrong, and Consul's answer to it has this status; `headers` go with it."""

    def __init__(self, message: str, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def answer_error(error: LictorError) -> Answer:
    """The answer that tells a caller about `error`."""
    text = str(error).encode()
    headers: tuple[tuple[str, str], ...] = (_TEXT,) if text else ()
    match error:
        case Refusal():
            headers = (*error.headers, *headers)
            return Answer(status=error.status, headers=headers, body=text, closes=error.status == 408)
        case BodyTooLargeError():
            # What is left of the body is not worth reading: the connection ends with the answer.
            return Answer(status=413, headers=headers, body=text, closes=True)
        case MethodError():
            return Answer(status=405, headers=(("Allow", ",".join(error.allowed)), *headers), body=text)
        case OverloadedError():
            after_s = error.retry_after_s if isinstance(error, RateLimitedError) else RETRY_AFTER_S
            return Answer(status=429, headers=(*headers, ("Retry-After", str(after_s))), body=text)
        case _:
            return Answer(status=error.http_status, headers=headers, body=text)


@contextmanager
def refusing_with(status: int, prefix: str = "") -> Generator[None]:
    """Within the block a wrong request is answered with `status` and `prefix`, where Consul does so.

    <<<<<<< HEAD
        One that is not allowed stays what it is.
    =======
        Who may not is told so all the same.
    >>>>>>> 955a76f (wip)
    """
    try:
        yield
    except (Refusal, PermissionDeniedError):
        raise
    except RequestError as error:
        raise Refusal(prefix + str(error), status=status) from error
