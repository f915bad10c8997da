"""`/v1/operator/raft` and `/v1/operator/autopilot`, of a server of one."""

from tests.support.recorder.scenario import Scenario, Step

RAFT = "/v1/operator/raft"
SETTINGS = "/v1/operator/autopilot/configuration"
HEALTH = "/v1/operator/autopilot/health"
_MOMENT = "a figure of one moment"

SCENARIO = Scenario(
    "operator",
    "The servers: who keeps the log, how the leader looks after them, how they do.",
    (
        Step(
            "the raft configuration",
            "GET",
            f"{RAFT}/configuration",
            save={"id": "body:Servers.0.ID"},
            differs={"body.Index": "Consul 1.8.7 leaves it 0; here it is the entry that holds the configuration"},
        ),
        Step(
            "any server may answer",
            "GET",
            f"{RAFT}/configuration?stale",
            differs={"body.Index": "Consul 1.8.7 leaves it 0; here it is the entry that holds the configuration"},
        ),
        Step("the raft configuration of an unknown datacenter", "GET", f"{RAFT}/configuration?dc=elsewhere"),
        Step("the raft configuration takes no PUT", "PUT", f"{RAFT}/configuration"),
        Step("a removal of nobody", "DELETE", f"{RAFT}/peer"),
        Step("a removal by id and address", "DELETE", f"{RAFT}/peer?id=a&address=b"),
        Step("a removal of an unknown id", "DELETE", f"{RAFT}/peer?id=nobody"),
        Step("a removal of an unknown address", "DELETE", f"{RAFT}/peer?address=192.0.2.1:8300"),
        Step("a removal in an unknown datacenter", "DELETE", f"{RAFT}/peer?id=$id&dc=elsewhere"),
        Step("a peer takes no GET", "GET", f"{RAFT}/peer"),
        Step("nothing is below raft itself", "GET", RAFT),
        Step("the settings of autopilot", "GET", SETTINGS),
        Step("the settings from any server", "GET", f"{SETTINGS}?stale"),
        Step("the settings in an unknown datacenter", "GET", f"{SETTINGS}?dc=elsewhere"),
        Step("the settings take no POST", "POST", SETTINGS),
        Step("no body", "PUT", SETTINGS),
        Step("malformed JSON", "PUT", SETTINGS, b"{"),
        Step("a threshold that is no duration", "PUT", SETTINGS, {"LastContactThreshold": "soon"}),
        Step("a setting that nobody knows", "PUT", SETTINGS, {"Bogus": 1}),
        Step("a number that is none", "PUT", SETTINGS, {"MaxTrailingLogs": "a"}),
        Step("a number below zero", "PUT", SETTINGS, {"MaxTrailingLogs": -1}),
        Step("an index that is none", "PUT", f"{SETTINGS}?cas=x", {"MinQuorum": 1}),
        Step("an index that was never", "PUT", f"{SETTINGS}?cas=1", {"MinQuorum": 1}),
        Step("index zero when there are settings", "PUT", f"{SETTINGS}?cas=0", {"MinQuorum": 1}),
        Step("the settings are as they were", "GET", SETTINGS),
        Step(
            "other settings replace all of them",
            "PUT",
            SETTINGS,
            {"ServerStabilizationTime": "90s", "LastContactThreshold": 500_000_000, "MinQuorum": 3},
        ),
        Step("what was not named is off, zero or empty", "GET", SETTINGS, save={"index": "body:ModifyIndex"}),
        Step(
            "settings over those that were seen",
            "PUT",
            f"{SETTINGS}?cas=$index",
            {
                "CleanupDeadServers": True,
                "LastContactThreshold": "1m",
                "MaxTrailingLogs": 500,
                "ServerStabilizationTime": "10s",
                "RedundancyZoneTag": "zone",
                "DisableUpgradeMigration": True,
                "UpgradeVersionTag": "build",
                "CreateIndex": 7,
                "ModifyIndex": 9,
            },
        ),
        Step("all settings", "GET", SETTINGS),
        Step("a null keeps nothing", "PUT", SETTINGS, b"null"),
        Step("nothing is set", "GET", SETTINGS),
        Step(
            "usual settings",
            "PUT",
            SETTINGS,
            {"CleanupDeadServers": True, "LastContactThreshold": "10s", "MaxTrailingLogs": 250},
        ),
        Step(
            "the health of the servers",
            "GET",
            HEALTH,
            until='"Healthy": true',
            omit={
                "body.Servers.0.LastIndex": _MOMENT,
                "body.Servers.0.LastTerm": _MOMENT,
                "body.Servers.0.LastContact": _MOMENT,
            },
        ),
        Step("the health in an unknown datacenter", "GET", f"{HEALTH}?dc=elsewhere"),
        Step("the health takes no PUT", "PUT", HEALTH),
    ),
)
