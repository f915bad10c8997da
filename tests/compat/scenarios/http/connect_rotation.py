"""`/v1/connect/ca`: one root after the other."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_CONFIGURATION = "/v1/connect/ca/configuration"
_ROOTS = "/v1/connect/ca/roots"
_FIRST = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIAkk7BYN71okZtR7W9i6WIfkWhrUulFoUBrojiYI8ppyoAoGCCqGSM49
AwEHoUQDQgAENIsrnoHEV7KETEudH14fNBHd0YK/5K3b+vN/r8F9xK9yQhZNUoJe
Lgt4g+wM4YB8tQJZAhVSV7W4NTZycYzoFw==
-----END EC PRIVATE KEY-----
"""
_SECOND = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIN7o4mjqTtU6ZEkm2xcShLMoEsQo2pqGf5L+4GnF2GrboAoGCCqGSM49
AwEHoUQDQgAES8y4bQGsn80hFUt5gTKydMBvHZrrTh3T+pX3bkE+Hqofyk7orzLh
16PVDO74fyDk48hgYZJOfYxl67M+budbIw==
-----END EC PRIVATE KEY-----
"""
_ORDER = "roots come in the order of their random ids"
_HIDDEN = {"body.Config.PrivateKey": "a private key is never shown"}


def _with_key(key: str, **more: Json) -> Json:
    return {"Provider": "consul", "Config": {"PrivateKey": key, "LeafCertTTL": "24h"}, **more}


SCENARIO = Scenario(
    "connect_rotation",
    "One root of the mesh after the other.",
    (
        Step("the root at first", "GET", _ROOTS, save={"first": "body:ActiveRootID"}),
        Step("the agent's roots at first", "GET", "/v1/agent/connect/ca/roots"),
        Step("a leaf of it", "GET", "/v1/agent/connect/ca/leaf/before"),
        Step("a key of the operator's own", "PUT", _CONFIGURATION, _with_key(_FIRST)),
        Step("the roots then", "GET", _ROOTS, unordered=("body.Roots",)),
        Step("the agent's roots then", "GET", "/v1/agent/connect/ca/roots", unordered=("body.Roots",)),
        Step("the roots then as one PEM", "GET", f"{_ROOTS}?pem=true", omit={"body": _ORDER}),
        Step("the settings then", "GET", _CONFIGURATION, differs=_HIDDEN),
        Step("a leaf of the new root", "GET", "/v1/agent/connect/ca/leaf/after"),
        Step("the same key again", "PUT", _CONFIGURATION, _with_key(_FIRST)),
        Step("the same roots", "GET", _ROOTS, unordered=("body.Roots",)),
        Step("another key by force", "PUT", _CONFIGURATION, _with_key(_SECOND, ForceWithoutCrossSigning=True)),
        Step("three roots", "GET", _ROOTS, unordered=("body.Roots",)),
        Step("the settings at last", "GET", _CONFIGURATION, differs=_HIDDEN),
        Step("a leaf of the third root", "GET", "/v1/agent/connect/ca/leaf/third"),
    ),
)
