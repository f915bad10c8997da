"""What checks that run say of what they found: every kind, on success and on each failure."""

from collections.abc import Mapping

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

SERVICE = "/v1/agent/service/register"
CHECKS = "/v1/agent/checks"
HERE = "http://127.0.0.1:$target_port"
PATHS = (
    "ok",
    "no-content",
    "too-many",
    "gone",
    "broken",
    "own-reason",
    "no-reason",
    "not-modified",
    "redirect",
    "redirect-nowhere",
    "redirect-ftp",
    "redirect-loop",
    "interim",
    "cut",
    "long",
    "chunked",
    "zipped",
    "silent",
    "closed",
)
HTTP: Mapping[str, Mapping[str, Json]] = {
    **{name: {"HTTP": f"{HERE}/{name}"} for name in PATHS},
    "echo": {"HTTP": f"{HERE}/echo?a=b&c=%20d#fragment"},
    "echo-body": {
        "HTTP": f"{HERE}/echo",
        "Method": "PUT",
        "Body": "{}",
        "Header": {"Host": ["example.com"], "x-a": ["1", "2"], "User-Agent": ["me"], "Accept": ["x/y"]},
    },
    "echo-empty": {"HTTP": f"{HERE}/echo", "Method": "POST"},
    "redirect-post": {"HTTP": f"{HERE}/redirect", "Method": "POST", "Body": "x", "Header": {"Authorization": ["s"]}},
    "redirect-all": {"HTTP": f"{HERE}/redirect-all", "Method": "POST", "Body": "x"},
    "head": {"HTTP": f"{HERE}/ok", "Method": "HEAD"},
    "short": {"HTTP": f"{HERE}/long", "OutputMaxSize": 10},
    "tls": {"HTTP": "https://127.0.0.1:$tls_target_port/ok"},
    "tls-skipped": {"HTTP": "https://127.0.0.1:$tls_target_port/ok", "TLSSkipVerify": True},
    "tls-to-plain": {"HTTP": "https://127.0.0.1:$target_port/ok", "TLSSkipVerify": True},
    "nobody": {"HTTP": "http://127.0.0.1:$closed_target_port/", "Method": "POST"},
    "password": {"HTTP": "http://u:p@127.0.0.1:$closed_target_port/"},
    "ftp": {"HTTP": "ftp://127.0.0.1/"},
    "no-scheme": {"HTTP": "127.0.0.1:80/x"},
    "no-host": {"HTTP": "http:///x"},
    "port-too-high": {"HTTP": "http://127.0.0.1:99999/"},
    "bad-method": {"HTTP": f"{HERE}/ok", "Method": "BAD METHOD"},
    "bad-header": {"HTTP": f"{HERE}/ok", "Header": {"a b": ["c"]}},
}
TCP: Mapping[str, Mapping[str, Json]] = {
    "listens": {"TCP": "127.0.0.1:$target_port"},
    "no-host": {"TCP": ":$target_port"},
    "nobody": {"TCP": "127.0.0.1:$closed_target_port"},
    "no-port": {"TCP": "127.0.0.1"},
    "bad-port": {"TCP": "127.0.0.1:x"},
    "port-too-high": {"TCP": "127.0.0.1:99999"},
}
GRPC: Mapping[str, Mapping[str, Json]] = {
    "server": {"GRPC": "127.0.0.1:$grpc_target_port"},
    **{
        name: {"GRPC": f"127.0.0.1:$grpc_target_port/{name}"}
        for name in ("serving", "down", "unsure", "forbidden", "else", "two/parts")
    },
    "nobody": {"GRPC": "127.0.0.1:$closed_target_port"},
    "no-port": {"GRPC": "127.0.0.1"},
    "not-speaking": {"GRPC": "127.0.0.1:$silent_target_port"},
    "tls": {"GRPC": "127.0.0.1:$tls_target_port", "GRPCUseTLS": True},
    "tls-to-plain": {"GRPC": "127.0.0.1:$grpc_target_port", "GRPCUseTLS": True, "TLSSkipVerify": True},
}
SCRIPT: Mapping[str, Mapping[str, Json]] = {
    "both": {"Args": ["/bin/sh", "-c", "echo fine; echo more >&2"]},
    "warns": {"Args": ["/bin/sh", "-c", "echo hm; exit 1"]},
    "fails": {"Args": ["/bin/sh", "-c", "echo bad; exit 2"]},
    "killed": {"Args": ["/bin/sh", "-c", "echo bye; kill -9 $$$$"]},
    "long": {"Args": ["/bin/sh", "-c", "seq 1 3000"]},
    "short": {"Args": ["/bin/sh", "-c", "seq 1 3000"], "OutputMaxSize": 10},
    "slow": {"Args": ["/bin/sh", "-c", "echo begun; sleep 5"]},
    "no-program": {"Args": ["/nowhere/x"]},
    "no-such-name": {"Args": ["no-such-program-anywhere"]},
    "a-directory": {"Args": ["/tmp"]},
    "a-text": {"Args": ["/etc/passwd"]},
}


def _steps(kind: str, checks: Mapping[str, Mapping[str, Json]]) -> tuple[Step, Step]:
    ids = tuple(f"{kind}-{name}" for name in checks)
    common = {"Interval": "1s", "Timeout": "900ms"}
    listed: list[Json] = [
        {"CheckID": check_id, **common, **check} for check_id, check in zip(ids, checks.values(), strict=True)
    ]
    return (
        Step(f"{kind} checks", "PUT", SERVICE, {"Name": kind, "Checks": listed}),
        Step(
            f"what {kind} checks say",
            "GET",
            CHECKS,
            only=ids,
            until_not='"Output":""',
        ),
    )


SCENARIO = Scenario(
    "check_outputs",
    "What checks that run say, on success and on each failure.",
    (*_steps("http", HTTP), *_steps("tcp", TCP), *_steps("grpc", GRPC), *_steps("script", SCRIPT)),
    {"enable_script_checks": True},
    targets=True,
)
