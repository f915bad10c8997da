"""Service accounts, vouched for by an API server over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lictor_core.errors import AclRefusedError, PeerError, PermissionDeniedError
from lictor_core.records import JsonObject
from lictor_server.acl.auth.kubernetes import KubernetesValidator
from tests.server.acl.auth.issuers import OWN, ApiServer, api_server, text_of
from tests.server.certificates import Authority
from tests.support.clock import ManualClock

BEARER = "e30.e30.YmVhcmVy"


@pytest.fixture
async def kubernetes(tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(tmp_path) as server:
        server.accounts[BEARER] = ("default", "web", "uid-1")
        yield server


def validator(config: JsonObject) -> KubernetesValidator:
    return KubernetesValidator(config, ManualClock())


async def test_an_account_is_known_by_namespace_name_and_uid(kubernetes: ApiServer) -> None:
    found = await validator(kubernetes.config).validate(BEARER)
    assert found.variables == {
        "serviceaccount.namespace": "default",
        "serviceaccount.name": "web",
        "serviceaccount.uid": "uid-1",
    }
    paths = ["/apis/authentication.k8s.io/v1/tokenreviews", "/api/v1/namespaces/default/serviceaccounts/web"]
    assert kubernetes.asked == [(path, f"Bearer {OWN}") for path in paths]


async def test_an_annotation_gives_the_service_another_name(kubernetes: ApiServer) -> None:
    kubernetes.annotations["web"] = "frontend"
    found = await validator(kubernetes.config).validate(BEARER)
    assert found.variables["serviceaccount.name"] == "frontend"


async def test_whom_the_api_server_does_not_know_is_refused(kubernetes: ApiServer) -> None:
    with pytest.raises(PermissionDeniedError, match="service account jwt not valid"):
        await validator(kubernetes.config).validate("e30.e30.eA")


@pytest.mark.parametrize("bearer", ["", "x", "a.b", "a.b.c.d", "a.b.\ud800", "\xe9.a.b"])
async def test_what_is_no_jwt_is_not_even_shown(kubernetes: ApiServer, bearer: str) -> None:
    with pytest.raises(PermissionDeniedError, match="failed to parse and validate JWT"):
        await validator(kubernetes.config).validate(bearer)
    assert kubernetes.asked == []


@pytest.mark.parametrize(
    "user", ["bob", "system:node:n1", "system:serviceaccount:default", "system:serviceaccount::web", "x:y:default:web"]
)
async def test_who_is_no_service_account_is_refused(kubernetes: ApiServer, user: str) -> None:
    kubernetes.answer = {"status": {"authenticated": True, "user": {"username": user, "uid": "1"}}}
    with pytest.raises(PermissionDeniedError, match="unexpected username format"):
        await validator(kubernetes.config).validate(BEARER)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": {"authenticated": False}},
        {"status": {"authenticated": "true", "user": {"username": "system:serviceaccount:default:web"}}},
        {"status": {"error": "x", "authenticated": True, "user": {"username": "system:serviceaccount:default:web"}}},
        {"status": [1]},
    ],
)
async def test_what_does_not_say_yes_says_no(kubernetes: ApiServer, answer: object) -> None:
    kubernetes.answer = answer
    with pytest.raises(PermissionDeniedError, match="service account jwt not valid"):
        await validator(kubernetes.config).validate(BEARER)


@pytest.mark.parametrize("status", [302, 401, 500])
async def test_an_api_server_that_does_not_answer_is_told_without_its_secrets(
    kubernetes: ApiServer, status: int
) -> None:
    kubernetes.status = status
    with pytest.raises(PeerError, match=f"the answer has status {status}") as caught:
        await validator(kubernetes.config).validate(BEARER)
    assert OWN not in str(caught.value)
    assert BEARER not in str(caught.value)


async def test_another_ca_vouches_for_nobody(kubernetes: ApiServer, tmp_path: Path) -> None:
    other = text_of(Authority(tmp_path / "other").ca_file)
    with pytest.raises(PeerError):
        await validator({**kubernetes.config, "CACert": other}).validate(BEARER)
    assert kubernetes.asked == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Host": ""}, "Config.Host is required"),
        ({"CACert": ""}, "Config.CACert is required"),
        ({"ServiceAccountJWT": ""}, "Config.ServiceAccountJWT is required"),
        (
            {"CACert": "zz"},
            "error parsing kubernetes ca cert: data does not contain any valid RSA or ECDSA certificates",
        ),
        ({"ServiceAccountJWT": "zz"}, "Config.ServiceAccountJWT is not a valid JWT: a compact JWS has three parts"),
        ({"Host": "file:///x"}, "Config.Host must be an https URL"),
        ({"Host": "http://192.0.2.1"}, "Config.Host must be an https URL"),
        ({"Host": "http://localhost.example"}, "Config.Host must be an https URL"),
        ({"Foo": 1}, "error decoding config: 1 error(s) decoding: * '' has invalid keys: Foo"),
    ],
)
async def test_settings_that_cannot_work_are_refused(kubernetes: ApiServer, changes: JsonObject, message: str) -> None:
    with pytest.raises(AclRefusedError) as caught:
        validator({**kubernetes.config, **changes})
    assert str(caught.value).startswith(f"Invalid Auth Method: {message}")
