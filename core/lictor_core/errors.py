"""One table of errors for all rooms: code, HTTP status, and whether the failed thing surely did not happen.

HTTP, RPC, the command line and the fault harness read this table. Whose fault an error is stands in its type:
`RequestError` the caller's, `PeerError` another node's, `ClusterError` the cluster's state. Our own mistakes are
assertions, never one of these.

`definite` follows Jepsen's use of the word: a definite error says that nothing was done; an indefinite one (a
time-out, a lost leader) leaves it unknown, and a caller must not report it as failed.
"""

from __future__ import annotations

from typing import ClassVar, Final

__all__ = [
    "TABLE",
    "AclRefusedError",
    "AuthenticationError",
    "BodyTooLargeError",
    "CatchingUpError",
    "ClusterError",
    "ConfigurationError",
    "DataDamagedError",
    "DiskFailedError",
    "DiskFullError",
    "FilterError",
    "IncompatibleError",
    "LictorError",
    "MethodError",
    "MixedVersionsError",
    "NewerDataError",
    "NoLeaderError",
    "NotFoundError",
    "OutcomeUnknownError",
    "OverloadedError",
    "PeerError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RepetitionForgottenError",
    "RequestError",
    "StorageError",
    "UnknownDatacenterError",
    "UnreachableError",
    "error_from",
]


class LictorError(Exception):
    """The root. `str(error)` is for people: it names the thing, the reason and the next step."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    definite: bool = False
    """Of a class; but of the one error where only its maker knows."""


class RequestError(LictorError):
    """The request itself is wrong; the same request will fail again."""

    code = "bad_request"
    http_status = 400
    definite = True


class NotFoundError(RequestError):
    """The named thing does not exist."""

    code = "not_found"
    http_status = 404


class FilterError(RequestError):
    """A filter that is none, or does not fit what it filters. Status 500, as Consul's.

    `at` is the position of the flaw in characters from 0, at most the length of the text. It does not travel with the
    message, which names it as people count.
    """

    code = "bad_filter"
    http_status = 500

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


class MethodError(RequestError):
    """The path exists, the HTTP method is not one of `allowed`."""

    code = "method_not_allowed"
    http_status = 405

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"method {method} not allowed")
        self.method = method
        self.allowed = allowed


class BodyTooLargeError(RequestError):
    """A body or value is over its bound."""

    code = "too_large"
    http_status = 413


class PermissionDeniedError(RequestError):
    """The token does not allow it."""

    code = "permission_denied"
    http_status = 403


class AclRefusedError(RequestError):
    """What is to be written of access control cannot be: a wrong name, an unknown link. Status 500, as Consul's."""

    code = "acl_refused"
    http_status = 500


class AuthenticationError(RequestError):
    """The peer did not prove who it is."""

    code = "unauthenticated"
    http_status = 401


class ConfigurationError(RequestError):
    """A configuration file, flag or environment variable cannot be used."""

    code = "bad_configuration"


class PeerError(LictorError):
    """Another node answered something that cannot be, or did not answer."""

    code = "peer_failed"
    http_status = 500


class UnreachableError(PeerError):
    """Another node could not be asked: no byte of the request left, so nothing was done."""

    code = "unreachable"
    definite = True


class IncompatibleError(UnreachableError):
    """The other end speaks no form of the wire that this one speaks: nothing was done until one is upgraded."""

    code = "incompatible_version"


class ClusterError(LictorError):
    """The cluster cannot serve this now; the same request may succeed later."""

    code = "cluster_unavailable"
    http_status = 500


class NoLeaderError(ClusterError):
    """No server leads, so nothing was done."""

    code = "no_leader"
    definite = True

    def __init__(self, message: str = "No cluster leader") -> None:
        super().__init__(message)


class UnknownDatacenterError(ClusterError):
    """The named datacenter is not known to this one. Status 500, as Consul's."""

    code = "no_datacenter_path"
    definite = True

    def __init__(self, message: str = "No path to datacenter") -> None:
        super().__init__(message)


class CatchingUpError(ClusterError):
    """This server has not caught up since its start, and refuses rather than answer from the past."""

    code = "catching_up"
    definite = True


class MixedVersionsError(ClusterError):
    """Some server could not read what was to be written, so nothing was: it goes once all are upgraded."""

    code = "mixed_versions"
    definite = True


class OutcomeUnknownError(ClusterError):
    """The leader changed or time ran out while a write was under way: it may or may not have been applied."""

    code = "outcome_unknown"
    definite = False


class RepetitionForgottenError(OutcomeUnknownError):
    """A write was sent again so late that nobody remembers whether it was carried out: sending it again is in vain."""

    code = "repetition_forgotten"


class OverloadedError(ClusterError):
    """A bound of the service is reached; answered with `Retry-After`."""

    code = "overloaded"
    http_status = 429
    definite = True


class RateLimitedError(OverloadedError):
    """More was asked for in a time than is allowed. After `retry_after_s` seconds, at least 1, it may be asked again;
    what a peer answers does not tell that, and says 1."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StorageError(LictorError):
    """What must outlive the process cannot be read or written. What was under way may or may not be kept."""

    code = "storage_failed"


class DiskFullError(StorageError):
    """There is no room for what must be written."""

    code = "disk_full"


class DiskFailedError(StorageError):
    """The operating system reports that reading, writing or syncing failed."""

    code = "disk_failed"


class DataDamagedError(StorageError):
    """A file holds what was never written to it, or lacks what was: a message names the file and the offset."""

    code = "data_damaged"


class NewerDataError(StorageError):
    """A file is whole, and holds what this version does not know: a newer one wrote it. It is left as it is."""

    code = "newer_data"
    definite = True


TABLE: Final[dict[str, type[LictorError]]] = {
    kind.code: kind
    for kind in (
        LictorError,
        RequestError,
        NotFoundError,
        FilterError,
        MethodError,
        BodyTooLargeError,
        PermissionDeniedError,
        AclRefusedError,
        AuthenticationError,
        ConfigurationError,
        PeerError,
        UnreachableError,
        IncompatibleError,
        ClusterError,
        NoLeaderError,
        UnknownDatacenterError,
        CatchingUpError,
        MixedVersionsError,
        OutcomeUnknownError,
        RepetitionForgottenError,
        OverloadedError,
        RateLimitedError,
        StorageError,
        DiskFullError,
        DiskFailedError,
        DataDamagedError,
        NewerDataError,
    )
}
"""Every error by its code."""


def error_from(code: str, message: str) -> LictorError:
    """The error that a peer named by `code`; an unknown code gives an indefinite `PeerError`, never a guess."""
    kind = TABLE.get(code, PeerError)
    if issubclass(kind, MethodError):
        return RequestError(message)
    return kind(message)
