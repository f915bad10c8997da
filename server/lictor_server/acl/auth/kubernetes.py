"""Auth methods of type `kubernetes`: service accounts of a cluster, vouched for by its API server.

Sources: Consul's document `docs/security/acl/auth-methods/kubernetes`; Kubernetes' API of `TokenReview`.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from types import SimpleNamespace
from typing import Final, cast
from urllib.parse import quote, urlsplit

from lictor_core.clock import Clock
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_core.filter.fields import Field, Kind
from lictor_core.records import JsonObject
from lictor_server.acl.auth.asking import Asker, trusting
from lictor_server.acl.auth.config import Settings
from lictor_server.acl.auth.identity import Identity, Shape

__all__ = ["KubernetesValidator"]

_KEYS: Final = ("Host", "CACert", "ServiceAccountJWT")
_THIS_HOST: Final = ("127.0.0.1", "::1", "localhost")
_NO_CA: Final = "error parsing kubernetes ca cert: data does not contain any valid RSA or ECDSA certificates"
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_SERVICE_NAME: Final = "consul.hashicorp.com/service-name"
"""The annotation by which an account stands for a service of another name."""
_FIELDS: Final = ("namespace", "name", "uid")
_SHAPE: Final = Shape(
    fields={"serviceaccount": Field(Kind.RECORD, "serviceaccount", {one: Field(Kind.TEXT, one) for one in _FIELDS})},
    variables=tuple(f"serviceaccount.{one}" for one in _FIELDS),
)


class KubernetesValidator:
    """One API server. Makes of a service account's token whose it is."""

    def __init__(self, config: JsonObject, clock: Clock) -> None:
        """Raises `AclRefusedError` for settings that cannot work."""
        settings = Settings(config, _KEYS)
        for key in _KEYS:
            if not settings.text(key):
                raise AclRefusedError(f"Invalid Auth Method: Config.{key} is required")
            if key == "CACert":
                self._asker = Asker(trusting(settings.text(key), _NO_CA))
        host = urlsplit(settings.text("Host"))
        if host.scheme != "https" and not (host.scheme == "http" and host.hostname in _THIS_HOST):
            raise AclRefusedError(
                "Invalid Auth Method: Config.Host must be an https URL, since tokens are shown to it: write it as in"
                " https://192.0.2.42:8443"
            )
        self._host = settings.text("Host").rstrip("/")
        self._own = settings.text("ServiceAccountJWT")
        if (flaw := _why_no_jwt(self._own)) is not None:
            raise AclRefusedError(f"Invalid Auth Method: Config.ServiceAccountJWT is not a valid JWT: {flaw}")

    @property
    def shape(self) -> Shape:
        """Service accounts."""
        return _SHAPE

    async def validate(self, bearer_token: str) -> Identity:
        """The account of the token, as the API server says."""
        if (flaw := _why_no_jwt(bearer_token)) is not None:
            raise PermissionDeniedError(f"Permission denied: failed to parse and validate JWT: {flaw}")
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": bearer_token},
        }
        answer = await self._asker.post(
            f"{self._host}/apis/authentication.k8s.io/v1/tokenreviews", review, self._proof()
        )
        status = _object(answer, "status")
        if status.get("error") or status.get("authenticated") is not True:
            raise PermissionDeniedError("Permission denied: lookup failed: service account jwt not valid")
        user = _object(status, "user")
        parts = str(user.get("username", "")).split(":")
        if len(parts) != 4 or not str(user["username"]).startswith(_SERVICE_ACCOUNT) or not all(parts[2:]):
            raise PermissionDeniedError("Permission denied: lookup failed: unexpected username format")
        namespace, name = parts[2:]
        return _identity(namespace, await self._service_name(namespace, name), str(user.get("uid", "")))

    async def _service_name(self, namespace: str, name: str) -> str:
        account = await self._asker.get(
            f"{self._host}/api/v1/namespaces/{quote(namespace, safe='')}/serviceaccounts/{quote(name, safe='')}",
            self._proof(),
        )
        said = _object(_object(account, "metadata"), "annotations").get(_SERVICE_NAME)
        return said if isinstance(said, str) and said else name

    def _proof(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._own}", "Accept": "application/json"}


def _identity(namespace: str, name: str, uid: str) -> Identity:
    values = {"namespace": namespace, "name": name, "uid": uid}
    record = SimpleNamespace(serviceaccount=SimpleNamespace(**values))
    return Identity(record, {f"serviceaccount.{key}": value for key, value in values.items()})


def _object(holder: JsonObject, key: str) -> JsonObject:
    found = holder.get(key)
    return cast("JsonObject", found) if isinstance(found, dict) else {}


def _why_no_jwt(text: str) -> str | None:
    """Why `text` cannot be a signed JWT; None when it can."""
    parts = text.split(".")
    if len(parts) != 3:
        return "a compact JWS has three parts"
    try:
        for part in parts:
            urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return "a part is no base64url"
    return None
