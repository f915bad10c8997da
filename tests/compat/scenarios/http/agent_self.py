"""`/v1/agent/self`, `/v1/agent/members`, `/v1/agent/host` and what an agent says of itself."""

from tests.support.recorder.scenario import Scenario, Step

SCENARIO = Scenario(
    "agent_self",
    "What an agent says of itself.",
    (
        Step(
            "self has config, member, meta, statistics and coordinate",
            "GET",
            "/v1/agent/self",
            omit={
                "body.DebugConfig": "the names of another program's fields",
                "body.Stats.build": "names of one build",
                "body.Stats.runtime": "figures of another language's runtime",
                "body.Stats.raft": "figures of one moment; those of the command `info` are compared by name",
                "body.Stats.serf_lan": "membership is not gossip in Lictor",
                "body.Stats.serf_wan": "membership is not gossip in Lictor",
            },
            differs={
                "body.xDS.SupportedProxies.envoy": "no Envoy is driven yet",
            },
        ),
        Step("self takes no POST", "POST", "/v1/agent/self"),
        Step("members lists the agent itself", "GET", "/v1/agent/members"),
        Step("members of the wide area", "GET", "/v1/agent/members?wan=1"),
        Step("members of an unknown segment", "GET", "/v1/agent/members?segment=blue"),
        Step("members takes no PUT", "PUT", "/v1/agent/members"),
        Step("a fresh agent has no services: an empty object", "GET", "/v1/agent/services"),
        Step("a fresh agent has no checks: an empty object", "GET", "/v1/agent/checks"),
        Step("an unknown node cannot be forced out", "PUT", "/v1/agent/force-leave/nobody"),
        Step("an unknown node cannot be pruned", "PUT", "/v1/agent/force-leave/nobody?prune"),
        Step("force-leave takes no GET", "GET", "/v1/agent/force-leave/nobody"),
        Step("join takes no GET", "GET", "/v1/agent/join/127.0.0.1"),
        Step("leave takes no GET", "GET", "/v1/agent/leave"),
        Step("reload takes no GET", "GET", "/v1/agent/reload"),
        Step("reload answers with nothing", "PUT", "/v1/agent/reload"),
    ),
)
