"""Wrong requests about the cluster: servers, autopilot, coordinates, events, snapshots."""

from tests.compat.scenarios.http.wrong import bad_bodies, bad_fields, bad_reads, bad_requests, differing
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_AUTOPILOT = "/v1/operator/autopilot/configuration"
_UPDATE = "/v1/coordinate/update"
_ANSWERED = ("ns=team",)
"""Not refused, and what is answered depends on whether the node has reported yet."""
_ZEROES: list[Json] = [0.0] * 8
_WORDS: list[Json] = ["x"] * 8
_HERE: dict[str, Json] = {"Vec": _ZEROES, "Error": 1.5, "Adjustment": 0.0, "Height": 0.00001}

SCENARIO = Scenario(
    "bad_cluster",
    "Wrong requests about the cluster: servers, autopilot, coordinates, events, snapshots.",
    (
        *bad_requests(
            [
                ("PUT", "/v1/status/leader"),
                ("POST", "/v1/status/peers"),
                ("GET", "/v1/status/leader?dc=elsewhere"),
                ("GET", "/v1/status/peers?dc=elsewhere"),
                ("GET", "/v1/status/leader?ns=team"),
                ("PUT", "/v1/operator/raft/configuration"),
                ("GET", "/v1/operator/raft/configuration?dc=elsewhere"),
                ("GET", "/v1/operator/raft/peer"),
                ("DELETE", "/v1/operator/raft/peer"),
                ("DELETE", "/v1/operator/raft/peer?id="),
                ("DELETE", "/v1/operator/raft/peer?id=nobody"),
                ("DELETE", "/v1/operator/raft/peer?address=nobody"),
                ("DELETE", "/v1/operator/raft/peer?address=127.0.0.1:1"),
                ("DELETE", "/v1/operator/raft/peer?id=a&address=b"),
                ("DELETE", "/v1/operator/raft/peer?id=nobody&dc=elsewhere"),
                ("POST", _AUTOPILOT),
                ("DELETE", _AUTOPILOT),
                ("PUT", "/v1/operator/autopilot/health"),
                ("GET", "/v1/operator/autopilot/health?dc=elsewhere"),
                ("PUT", "/v1/coordinate/datacenters"),
                ("PUT", "/v1/coordinate/nodes"),
                ("PUT", "/v1/coordinate/node/judge"),
                ("GET", "/v1/coordinate/node/"),
                ("GET", "/v1/coordinate/node/nobody"),
                ("GET", "/v1/coordinate/node/judge?segment=alpha"),
                ("GET", _UPDATE),
                ("GET", "/v1/event/fire/deploy"),
                ("PUT", "/v1/event/fire/"),
                ("PUT", "/v1/event/fire/deploy?dc=elsewhere"),
                ("PUT", "/v1/event/fire/deploy?node=("),
                ("PUT", "/v1/event/fire/deploy?service=("),
                ("PUT", "/v1/event/fire/deploy?tag=v1"),
                ("PUT", "/v1/event/fire/deploy?service=web&tag=("),
                ("PUT", "/v1/event/list"),
                ("GET", "/v1/event/list?index=x"),
                ("GET", "/v1/event/list?wait=x"),
                ("GET", "/v1/event/list?dc=elsewhere"),
                ("POST", "/v1/snapshot"),
                ("GET", "/v1/snapshot?dc=elsewhere"),
                ("PUT", "/v1/snapshot?stale"),
                ("PUT", "/v1/snapshot?dc=elsewhere"),
            ]
        ),
        *bad_reads(_AUTOPILOT),
        *bad_reads("/v1/coordinate/nodes", leaving_out=_ANSWERED),
        *bad_reads("/v1/coordinate/node/judge", leaving_out=_ANSWERED),
        *bad_bodies("PUT", _AUTOPILOT),
        *bad_bodies("PUT", _UPDATE),
        *bad_bodies("PUT", "/v1/snapshot"),
        Step("an event that is too large", "PUT", "/v1/event/fire/deploy", b"x" * 2000),
        Step("a cas that is no number", "PUT", f"{_AUTOPILOT}?cas=x", {"MaxTrailingLogs": 250}),
        Step("a cas that lost", "PUT", f"{_AUTOPILOT}?cas=999999", {"MaxTrailingLogs": 250}),
        *bad_fields(
            "PUT",
            _AUTOPILOT,
            {"CleanupDeadServers": True, "LastContactThreshold": "200ms", "MaxTrailingLogs": 250},
            {
                "CleanupDeadServers": ["yes", 1],
                "LastContactThreshold": ["x", True, "-1s"],
                "MaxTrailingLogs": ["x", -1, 1.5],
                "MinQuorum": ["x", -1],
                "ServerStabilizationTime": ["x", []],
                "RedundancyZoneTag": [1],
                "Bogus": [1],
            },
            differs={"LastContactThreshold is '-1s'": differing("with a time below 0 no server would ever be healthy")},
        ),
        *bad_fields(
            "PUT",
            _UPDATE,
            {"Node": "judge", "Coord": _HERE},
            {
                "Node": [1, "nobody", ""],
                "Datacenter": ["elsewhere", 1],
                "Segment": [1],
                "Coord": ["x", [], {}, {"Vec": "x"}, {"Vec": [0.0]}, {"Vec": _WORDS}, {"Bogus": 1}],
                "Bogus": [1],
            },
        ),
    ),
)
