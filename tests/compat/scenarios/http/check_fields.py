"""Every field of a check definition, by its names: what the agent takes, and what it shows of it everywhere."""

from collections.abc import Iterator

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_REGISTER = "/v1/agent/check/register"
_TTL: dict[str, Json] = {"TTL": "90s"}
_FIRST_RUN = "the first run of a check comes at any time"

FIELDS: dict[str, dict[str, Json]] = {
    "a TTL": {"TTL": "90s"},
    "a TTL in small letters": {"ttl": "90s"},
    "a TTL in nanoseconds": {"TTL": 90000000000},
    "a TTL in a fraction": {"TTL": "1.5h"},
    "a TTL without a unit": {"TTL": "90"},
    "a TTL of nothing": {"TTL": ""},
    "a TTL below zero": {"TTL": "-5s"},
    "a TTL as a fraction of nanoseconds": {"TTL": 90000000000.5},
    "a TTL as a truth value": {"TTL": True},
    "a TTL as a list": {"TTL": ["90s"]},
    "a TTL that is null": {"TTL": None},
    "an id": {"ID": "own-id", **_TTL},
    "an id of the catalog's name": {"CheckID": "catalog-id", **_TTL},
    "an id in snake case": {"check_id": "snake-id", **_TTL},
    "no name": {"Name": "", **_TTL},
    "a name as a number": {"Name": 1, **_TTL},
    "notes": {"Notes": "of people", **_TTL},
    "a status": {"Status": "passing", **_TTL},
    "an empty status": {"Status": "", **_TTL},
    "an unknown status": {"Status": "fine", **_TTL},
    "a token": {"Token": "anonymous", **_TTL},
    "a service": {"ServiceID": "web", **_TTL},
    "a service in snake case": {"service_id": "web", **_TTL},
    "a service that is not there": {"ServiceID": "none", **_TTL},
    "HTTP": {"HTTP": "http://127.0.0.1:1/", "Interval": "10m"},
    "HTTP with everything": {
        "http": "http://127.0.0.1:1/", "interval": "10m", "timeout": "1s", "method": "POST", "body": "{}",
        "header": {"X-A": ["b", "c"]}, "tls_skip_verify": True, "deregister_critical_service_after": "90m",
        "success_before_passing": 2, "failures_before_critical": 3, "output_max_size": 100,
    },
    "HTTP with everything in camel case": {
        "HTTP": "http://127.0.0.1:1/", "Interval": 600000000000, "Timeout": 1000000000, "Method": "PUT", "Body": "{}",
        "Header": {"X-A": ["b"]}, "TLSSkipVerify": True, "DeregisterCriticalServiceAfter": "90m",
        "SuccessBeforePassing": 2, "FailuresBeforeCritical": 3, "OutputMaxSize": 100,
    },
    "HTTP without an interval": {"HTTP": "http://127.0.0.1:1/"},
    "HTTP with an interval of a second's part": {"HTTP": "http://127.0.0.1:1/", "Interval": "100ms"},
    "HTTP with a TTL": {"HTTP": "http://127.0.0.1:1/", "Interval": "10m", "TTL": "10s"},
    "a header as a text": {"HTTP": "http://127.0.0.1:1/", "Interval": "10m", "Header": {"X": "b"}},
    "a header that is null": {"HTTP": "http://127.0.0.1:1/", "Interval": "10m", "Header": {"X": None}},
    "a header with a null": {"HTTP": "http://127.0.0.1:1/", "Interval": "10m", "Header": {"X": [None]}},
    "TCP": {"TCP": "127.0.0.1:1", "Interval": "10m", "Timeout": "1s"},
    "gRPC": {"GRPC": "127.0.0.1:1/web", "GRPCUseTLS": True, "Interval": "10m"},
    "gRPC in snake case": {"grpc": "127.0.0.1:1", "grpc_use_tls": True, "interval": "10m"},
    "a script": {"Args": ["sleep", "300"], "Interval": "10m"},
    "a script by its older name": {"ScriptArgs": ["sleep", "300"], "Interval": "10m"},
    "a script in snake case": {"script_args": ["sleep", "300"], "interval": "10m"},
    "a script as a text": {"Script": "true", "Interval": "10m"},
    "Docker": {"DockerContainerID": "x", "Shell": "/bin/sh", "Args": ["sleep", "300"], "Interval": "10m"},
    "an alias of a service": {"AliasService": "web"},
    "an alias in snake case": {"alias_service": "web", "alias_node": "judge"},
    "an alias with a TTL": {"AliasService": "web", "TTL": "10s"},
    "nothing to do": {"Notes": "x"},
    "an interval alone": {"Interval": "10s"},
    "thresholds as texts": {"SuccessBeforePassing": "2", **_TTL},
    "a bound of output below zero": {"OutputMaxSize": -1, **_TTL},
    "an unknown field": {"Colour": "red", **_TTL},
    "the definition of the catalog": {"Definition": {"TCP": "127.0.0.1:1"}, **_TTL},
    "a node": {"Node": "judge", **_TTL},
    "a namespace of the default": {"Namespace": "default", **_TTL},
}  # fmt: skip

_WHOLE: tuple[str, ...] = ("status", "headers", "content", "body")
_SNAKE = "Lictor takes the snake case of every key, where Consul takes it of most"
_DIFFERS = dict.fromkeys(("HTTP with everything", "gRPC in snake case", "an alias in snake case"), _SNAKE)
_IDS = {what: f"n{number:02}" for number, what in enumerate(FIELDS)}


def _steps() -> Iterator[Step]:
    for what, fields in FIELDS.items():
        differs = dict.fromkeys(_WHOLE, _DIFFERS[what]) if what in _DIFFERS else {}
        yield Step(f"{what}: registered", "PUT", _REGISTER, {"Name": _IDS[what], **fields}, differs=differs)


SCENARIO = Scenario(
    "check_fields",
    "Every field of a check definition.",
    (
        Step("a service for checks", "PUT", "/v1/agent/service/register", {"Name": "web"}),
        *_steps(),
        Step(
            "all of them at the agent",
            "GET",
            "/v1/agent/checks",
            omit={"body.*.Output": _FIRST_RUN},
            differs={f"body.{_IDS[what]}": reason for what, reason in _DIFFERS.items()},
        ),
        Step("those of the service for health", "GET", "/v1/health/checks/web", until="n22", unordered=("body",)),
    ),
    config={"enable_script_checks": True},
)
