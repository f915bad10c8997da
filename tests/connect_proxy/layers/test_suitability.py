"""Which listeners need a proxy for HTTP, and by which setting."""

import msgspec
import pytest

from lictor_connect_proxy.layers.suitability import escape_hatches, exposed_flaws, kind_flaw, public_flaw
from lictor_connect_proxy.snapshot import ExposedPath, PublicListener
from lictor_core.intentions import stated_rule
from lictor_core.records import ServiceKind
from tests.connect_proxy.build import rule, snapshot

PERMISSIONS = [{"Action": "allow", "HTTP": {"PathPrefix": "/open"}}]
TOKEN = {"Providers": [{"Name": "okta"}]}


@pytest.mark.parametrize(
    ("permissions", "jwt", "part"),
    [(PERMISSIONS, None, "Permissions"), (None, TOKEN, "JWT"), (PERMISSIONS, TOKEN, "Permissions")],
)
def test_an_intention_about_requests_is_named(permissions: object, jwt: object, part: str) -> None:
    looking = stated_rule(rule("web", "deny"), permissions, jwt)
    flaw = public_flaw(snapshot(rule("api", "allow"), looking))
    assert flaw is not None
    assert flaw.setting == f"{part} of the intention web -> db"


def test_an_intention_that_cannot_be_read_is_named() -> None:
    flaw = public_flaw(snapshot(stated_rule(rule("web", "deny"), [{"Action": "perhaps"}], None)))
    assert flaw is not None
    assert flaw.setting == "rules about requests of the intention web -> db"


def test_rules_about_connections_need_nothing_else() -> None:
    assert public_flaw(snapshot(rule("api", "allow"), rule("*", "deny"))) is None
    assert public_flaw(snapshot(has_policy=False)) is None


def test_the_protocol_of_the_service_alone_is_no_reason() -> None:
    found = snapshot()
    assert isinstance(found.public, PublicListener)
    http = msgspec.structs.replace(found.public, protocol="http")
    assert public_flaw(msgspec.structs.replace(found, public=http)) is None


def test_limits_of_requests_are_named() -> None:
    limited = {"rate_limits": {"InstanceLevel": {"RequestsPerSecond": 5}}}
    flaw = public_flaw(msgspec.structs.replace(snapshot(), config=limited))
    assert flaw is not None
    assert flaw.setting == "RateLimits of service-defaults db"
    assert public_flaw(msgspec.structs.replace(snapshot(), config={"rate_limits": None})) is None


def test_what_only_envoy_heeds_is_named_and_no_obstacle() -> None:
    config = {"envoy_public_listener_json": "{}", "protocol": "tcp", "envoy_local_cluster_json": ""}
    found = msgspec.structs.replace(snapshot(), config=config)
    assert escape_hatches(found) == ["envoy_public_listener_json"]
    assert public_flaw(found) is None


def test_gateways_are_envoys() -> None:
    assert kind_flaw(snapshot()) is None
    flaw = kind_flaw(msgspec.structs.replace(snapshot(), kind=ServiceKind.MESH_GATEWAY))
    assert flaw is not None
    assert flaw.setting == "the kind mesh-gateway"


def test_exposed_paths_are_named_each() -> None:
    exposed = (
        ExposedPath(path="/health", listener_port=21500, application_port=8080),
        ExposedPath(path="/ready", listener_port=21501, application_port=8080),
    )
    flaws = exposed_flaws(msgspec.structs.replace(snapshot(), exposed=exposed))
    assert [flaw.setting for flaw in flaws] == [
        "Expose path /health on port 21500",
        "Expose path /ready on port 21501",
    ]
    assert exposed_flaws(snapshot()) == []
