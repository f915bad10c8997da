"""`/v1/operator/keyring` of an agent that was given a key: listed, installed, used, removed, and what is refused."""

from tests.support.recorder.scenario import Scenario, Step

_PATH = "/v1/operator/keyring"
_FIRST = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
_SECOND = "AAAAAAAAAAAAAAAAAAAAAA=="
_THIRD = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"


def _change(name: str, method: str, key: str) -> Step:
    return Step(name, method, _PATH, {"Key": key})


SCENARIO = Scenario(
    "keyring",
    "The keys of an agent that has some.",
    (
        Step("a fresh agent has the key of its configuration", "GET", _PATH, until=_FIRST),
        Step("the servers' pool is left out", "GET", f"{_PATH}?local-only=true"),
        Step("an agent that is asked to relay", "GET", f"{_PATH}?relay-factor=2"),
        _change("a key of 16 bytes is installed", "POST", _SECOND),
        _change("installing it again changes nothing", "POST", _SECOND),
        Step("both keys are known, and the first one is spoken with", "GET", _PATH),
        _change("a key of 24 bytes is installed", "POST", _THIRD),
        _change("another key is used", "PUT", _SECOND),
        Step("the primary is another one", "GET", _PATH),
        _change("the primary cannot be removed", "DELETE", _SECOND),
        _change("a former one can", "DELETE", _FIRST),
        _change("and again", "DELETE", _FIRST),
        _change("what is gone cannot be used", "PUT", _FIRST),
        _change("a key of another size", "POST", "eA=="),
        _change("a key of another size to use", "PUT", "eA=="),
        _change("a key of another size to remove", "DELETE", "eA=="),
        _change("a key that is no base64", "POST", "!!"),
        _change("an empty key", "POST", ""),
        Step("no key", "POST", _PATH, {}),
        Step("a key for this agent alone", "POST", f"{_PATH}?local-only=true", {"Key": _FIRST}),
        Step("a relay factor that is none", "POST", f"{_PATH}?relay-factor=9", {"Key": _FIRST}),
        Step("what is left", "GET", f"{_PATH}?local-only"),
    ),
    config={"encrypt": _FIRST},
)
