"""Public keys: which are taken from a set, and when a set is fetched again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from lictor_core.errors import AclRefusedError, PeerError
from lictor_core.records import JsonObject
from lictor_server.acl.auth.asking import Asker, trusting
from lictor_server.acl.auth.keys import AGE_S_MAX, KEYS_MAX, REFETCH_S_MIN, Key, PemKeys, RemoteKeys, pem_key
from tests.server.acl.auth.issuers import Issuer, secure_serving, text_of
from tests.server.certificates import Authority
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.serving import serving

ONE, TWO, CURVE = Issuer(id="1"), Issuer(id="2"), Issuer("ES256", id="3")
PLAIN = Asker(trusting("", ""))


class Provider:
    """Where keys are published."""

    def __init__(self) -> None:
        self.keys: list[JsonObject] = [ONE.jwk]
        self.document: JsonObject = {}
        self.fetched = 0
        self.url = ""

    async def _keys(self, request: web.Request) -> web.Response:
        self.fetched += 1
        return web.json_response({"keys": self.keys})

    async def _document(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.document})

    def application(self) -> web.Application:
        """Its doors."""
        application = web.Application()
        application.router.add_get("/keys", self._keys)
        application.router.add_get("/.well-known/openid-configuration", self._document)
        return application


@contextlib.asynccontextmanager
async def provider() -> AsyncGenerator[Provider]:
    made, port = Provider(), free_port()
    made.url = f"http://127.0.0.1:{port}"
    async with serving(made.application(), port):
        yield made


def ids(keys: Sequence[Key]) -> list[str]:
    return [key.id for key in keys]


async def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    clock = ManualClock()
    async with provider() as there:
        keys = RemoteKeys(PLAIN, f"{there.url}/keys", clock)
        for _ in range(3):
            assert ids(await keys.keys("1")) == ["1"]
        assert there.fetched == 1
        there.keys = [TWO.jwk]
        clock.advance(AGE_S_MAX)
        assert ids(await keys.keys("1")) == []
        assert there.fetched == 2


async def test_an_unknown_key_has_them_fetched_again_but_not_for_everybody_who_makes_one_up() -> None:
    clock = ManualClock()
    async with provider() as there:
        keys = RemoteKeys(PLAIN, f"{there.url}/keys", clock)
        assert ids(await keys.keys("1")) == ["1"]
        there.keys.append(TWO.jwk)
        for number in range(10):
            assert ids(await keys.keys(f"made up {number}")) == []
        assert there.fetched == 1
        clock.advance(REFETCH_S_MIN)
        assert ids(await keys.keys("2")) == ["2"]
        assert ids(await keys.keys("")) == ["1", "2"]
        assert there.fetched == 2


async def test_a_set_holds_many_kinds_of_keys_and_those_that_verify_are_taken() -> None:
    async with provider() as there:
        there.keys = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {**TWO.jwk, "use": "enc"},
            {"kty": "RSA", "kid": "broken"},
            {},
            CURVE.jwk,
            {name: value for name, value in ONE.jwk.items() if name not in ("kid", "use")},
        ]
        keys = RemoteKeys(PLAIN, f"{there.url}/keys", ManualClock())
        assert ids(await keys.keys("3")) == ["3", ""]
        assert ids(await keys.keys("secret")) == [""]


async def test_no_more_keys_are_looked_at_than_the_bound() -> None:
    async with provider() as there:
        there.keys = [{**ONE.jwk, "kid": str(number)} for number in range(KEYS_MAX + 10)]
        keys = RemoteKeys(PLAIN, f"{there.url}/keys", ManualClock())
        assert len(await keys.keys("")) == KEYS_MAX


async def test_an_openid_provider_says_where_its_keys_are() -> None:
    async with provider() as there:
        keys = RemoteKeys(PLAIN, there.url, ManualClock(), is_provider=True)
        assert ids(await keys.keys("1")) == ["1"]
        there.document = {"issuer": "https://other.example"}
        with pytest.raises(PeerError, match="says that it is another one"):
            await RemoteKeys(PLAIN, there.url, ManualClock(), is_provider=True).keys("1")
        there.document = {"jwks_uri": "file:///etc/passwd"}
        with pytest.raises(PeerError, match="not to be trusted"):
            await RemoteKeys(PLAIN, there.url, ManualClock(), is_provider=True).keys("1")


async def test_keys_come_over_tls_from_whom_the_ca_vouches_for(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "one"), Authority(tmp_path, "other")
    pair, port, there = authority.issue("web", ["localhost"]), free_port(), Provider()
    url = f"https://localhost:{port}/keys"
    async with secure_serving(there.application(), port, pair.cert_file, pair.key_file):
        trusted = Asker(trusting(text_of(authority.ca_file), ""))
        assert ids(await RemoteKeys(trusted, url, ManualClock()).keys("1")) == ["1"]
        for distrusted in (Asker(trusting(text_of(other.ca_file), "")), PLAIN):
            with pytest.raises(PeerError):
                await RemoteKeys(distrusted, url, ManualClock()).keys("1")


async def test_what_is_no_key_set_is_told() -> None:
    async with provider() as there:
        with pytest.raises(PeerError, match="holds no key set"):
            await RemoteKeys(PLAIN, f"{there.url}/.well-known/openid-configuration", ManualClock()).keys("")
        with pytest.raises(PeerError, match="the answer has status 404"):
            await RemoteKeys(PLAIN, f"{there.url}/nowhere", ManualClock()).keys("")
    with pytest.raises(PeerError):
        await RemoteKeys(PLAIN, there.url, ManualClock()).keys("")


async def test_a_certificate_is_a_key_too(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("signer", ["signer"])
    key = pem_key(text_of(pair.cert_file), "x")
    assert list(await PemKeys([key]).keys("whatever")) == [key]
    with pytest.raises(AclRefusedError, match="error parsing public key x"):
        pem_key(text_of(pair.key_file), "x")
