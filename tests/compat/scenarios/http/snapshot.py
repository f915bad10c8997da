"""`/v1/snapshot`."""

from tests.support.recorder.scenario import Scenario, Step

_BINARY = "an archive is another one each time"

SCENARIO = Scenario(
    "snapshot",
    "All state as an archive.",
    (
        Step("a snapshot is a gzip'd archive with an index", "GET", "/v1/snapshot", omit={"body": _BINARY}),
        Step("any server may give one", "GET", "/v1/snapshot?stale", omit={"body": _BINARY}),
        Step("no snapshot of an unknown datacenter", "GET", "/v1/snapshot?dc=elsewhere"),
        Step("nothing is no snapshot", "PUT", "/v1/snapshot"),
        Step("text is no snapshot", "PUT", "/v1/snapshot", b"nonsense"),
        Step("a restore is not stale", "PUT", "/v1/snapshot?stale", exact_text=True),
        Step("no restore of an unknown datacenter", "PUT", "/v1/snapshot?dc=elsewhere", b"nonsense"),
        Step("only GET and PUT", "POST", "/v1/snapshot"),
        Step("no HEAD", "HEAD", "/v1/snapshot"),
        Step("the methods are listed", "OPTIONS", "/v1/snapshot"),
        Step("nothing is below", "GET", "/v1/snapshot/more"),
    ),
)
