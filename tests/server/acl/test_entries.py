import pytest

from lictor_core.entries.reading import KINDS
from lictor_core.errors import PermissionDeniedError
from lictor_core.records import JsonObject
from lictor_server.acl import entries
from lictor_server.acl.entries import require_reading_entry, require_writing_entry, sees_entry
from tests.server.acl.world import judge_of

_WEB = 'service "web" { policy = "write" }'
_OPERATOR = 'operator = "write"'


def _may_write(policy: str, kind: str, name: str, body: JsonObject | None = None) -> bool:
    try:
        require_writing_entry(judge_of(policy), kind, name, body)
    except PermissionDeniedError:
        return False
    return True


def test_every_kind_has_its_permissions() -> None:
    assert set(KINDS) == set(entries._READ) == set(entries._WRITE)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("kind", ["service-defaults", "service-router", "service-splitter", "service-resolver"])
def test_what_is_about_a_service_is_written_by_who_may_write_it(kind: str) -> None:
    assert _may_write(_WEB, kind, "web")
    assert not _may_write(_WEB, kind, "db")
    assert not _may_write(_OPERATOR, kind, "web")


@pytest.mark.parametrize("kind", ["proxy-defaults", "ingress-gateway", "terminating-gateway", "mesh"])
def test_what_is_about_all_is_written_by_operators(kind: str) -> None:
    assert _may_write(_OPERATOR, kind, "web")
    assert not _may_write(_WEB, kind, "web")


def test_the_mesh_has_a_permission_of_its_own() -> None:
    assert _may_write('mesh = "write"', "mesh", "mesh")
    assert not _may_write('mesh = "read" operator = "write"', "mesh", "mesh")


def test_intentions_are_written_by_who_may_write_those_of_the_destination() -> None:
    assert _may_write('service "web" { policy = "read" intentions = "write" }', "service-intentions", "web")
    assert not _may_write(_WEB, "service-intentions", "web")


@pytest.mark.parametrize(
    "body",
    [
        {"Redirect": {"Service": "db"}},
        {"Failover": {"*": {"Service": "db"}}},
        {"Failover": {"*": {"Targets": [{"Service": "web"}, {"Service": "db"}]}}},
        {"Routes": [{"Match": {}, "Destination": {"Service": "db"}}]},
        {"Splits": [{"Weight": 50, "Service": "web"}, {"Weight": 50, "Service": "db"}]},
    ],
)
def test_who_leads_traffic_to_another_service_has_to_be_able_to_read_it(body: JsonObject) -> None:
    assert not _may_write(_WEB, "service-resolver", "web", body)
    assert _may_write(_WEB + 'service "db" { policy = "read" }', "service-resolver", "web", body)


def test_what_every_proxy_goes_by_is_seen_by_everybody() -> None:
    nobody = judge_of("")

    assert all(sees_entry(nobody, kind, "x") for kind in ("proxy-defaults", "mesh", "jwt-provider"))
    assert not any(sees_entry(nobody, kind, "x") for kind in ("service-defaults", "service-intentions", "never heard"))
    with pytest.raises(PermissionDeniedError, match="service:read"):
        require_reading_entry(nobody, "ingress-gateway", "gw")
