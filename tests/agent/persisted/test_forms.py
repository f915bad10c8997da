"""The files of what is kept: whatever was written is read again, and Consul's own files are."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.local import LocalCheck, LocalService, Origin, Provenance
from lictor_agent.persisted.forms import (
    SavedStatus,
    check_bytes,
    file_name,
    read_saved_check,
    read_saved_service,
    read_saved_status,
    service_bytes,
    status_bytes,
)
from lictor_config.definitions import CheckDefinition
from lictor_core.errors import RequestError
from lictor_core.records import ServiceAddress, ServiceKind
from tests.agent.builders import local_check, local_service, service

CONSULS = Path(__file__).parents[2] / "compat" / "recorded" / "data-directory"
PLACE = Provenance("192.0.2.1", 1_700_000_000.5)


def _full_definition() -> CheckDefinition:
    """A definition in which every field differs from its default."""
    values: dict[str, object] = {}
    for number, one in enumerate(fields(CheckDefinition), 1):
        default = getattr(CheckDefinition(), one.name)
        match default:
            case bool():
                values[one.name] = True
            case int():
                values[one.name] = number
            case float():
                values[one.name] = number + 0.25
            case str():
                values[one.name] = f"{one.name} {number}"
            case tuple():
                values[one.name] = ("a", "b c")
            case _:
                values[one.name] = {"X-Key_One": ("a", "b")}
    # These exclude each other.
    return CheckDefinition(**{**values, "ttl_s": 0.0})  # type: ignore[arg-type]  # values follow the fields' types


def test_every_field_of_a_definition_is_kept() -> None:
    definition = _full_definition()
    read = read_saved_check(check_bytes(local_check(definition=definition)))
    assert read.definition == definition


def test_a_check_is_read_as_it_was_written_but_for_its_state() -> None:
    definition = CheckDefinition(ttl_s=30.5, notes="n", token="secret")
    written = replace(
        local_check("c", service_id="web", status="passing", output="well", definition=definition),
        token="secret",
        origin=Origin.SIDECAR,
        provenance=PLACE,
    )
    read = read_saved_check(check_bytes(written))
    assert (read.check_id, read.name, read.service_id, read.definition) == ("c", "c", "web", definition)
    assert (read.token, read.origin) == ("secret", Origin.SIDECAR)
    assert read.provenance == replace(PLACE, is_restored=True)
    assert b"well" not in check_bytes(written)


def test_a_service_is_read_as_it_was_written() -> None:
    written = LocalService(
        service=msgspec.structs.replace(
            service("w", name="web", tags=("a", "b"), enable_tag_override=True),
            kind=ServiceKind.CONNECT_PROXY,
            meta={"k": "v"},
            tagged_addresses={"lan": ServiceAddress(address="192.0.2.1", port=7)},
        ),
        token="secret",
        origin=Origin.SIDECAR,
        sidecar_of="other",
        provenance=PLACE,
    )
    read = read_saved_service(service_bytes(written))
    assert (read.service, read.token, read.sidecar_of) == (written.service, "secret", "other")
    assert (read.origin, read.provenance) == (Origin.SIDECAR, replace(PLACE, is_restored=True))


def test_a_state_is_read_as_it_was_written() -> None:
    status = SavedStatus(check_id="c", output="o", status="warning", expires=5)
    assert read_saved_status(status_bytes(status)) == status


def test_consuls_services_are_read() -> None:
    read = {one.service.id: one for one in (read_saved_service(p.read_bytes()) for p in CONSULS.glob("services/*"))}
    assert set(read) == {"web-1", "db", "web-1-sidecar-proxy"}
    assert (read["web-1"].token, read["web-1"].origin, read["web-1"].service.port) == ("web-token", Origin.API, 80)
    db = read["db"].service
    assert (db.tags, db.address, db.weights.passing, db.enable_tag_override) == ([], "192.0.2.7", 5, True)
    proxy = read["web-1-sidecar-proxy"]
    assert (proxy.sidecar_of, proxy.origin) == ("web-1", Origin.SIDECAR)
    assert proxy.service.proxy.upstreams[0].destination_name == "db"


def test_consuls_checks_are_read() -> None:
    paths = [path for path in CONSULS.glob("checks/*") if path.is_file()]
    read = {one.check_id: one for one in (read_saved_check(path.read_bytes()) for path in paths)}
    assert len(read) == len(paths) == 8
    mem = read["mem"]
    assert (mem.token, mem.notes, mem.definition) == ("tok", "n", CheckDefinition(name="mem", notes="n", ttl_s=30))
    http = read["service:db:1"].definition
    assert http is not None
    assert (http.http, http.interval_s, http.tls_skip_verify) == ("http://127.0.0.1:1/", 10, True)
    assert http.header == {"A": ("b",)}
    port = read["port"].definition
    assert port is not None
    assert (port.tcp, port.timeout_s, port.deregister_critical_service_after_s) == ("127.0.0.1:2", 1.5, 5400)
    assert (read["_node_maintenance"].definition, read["_node_maintenance"].notes) == (None, "because")
    assert read["_service_maintenance:db"].service_id == "db"


def test_consuls_state_is_read_from_the_file_of_its_check() -> None:
    (path,) = CONSULS.glob("checks/state/*")
    read = read_saved_status(path.read_bytes())
    assert (read.check_id, read.status, read.output) == ("service:web-1", "warning", "hey")
    assert file_name(read.check_id) == path.name


def test_what_is_written_has_consuls_keys() -> None:
    """A file of ours has every key of Consul's file of the same thing, in the same place, case aside."""
    for path in [*CONSULS.glob("services/*"), *CONSULS.glob("checks/*")]:
        if path.is_dir():
            continue
        consuls = json.loads(path.read_bytes())
        ours = _rewritten(path)
        for part in ("", "Service", "Check", "ChkType"):
            theirs = consuls.get(part) if part else consuls
            if theirs is not None:
                mine = {key.lower() for key in (ours[part] if part else ours)}
                assert {key.lower() for key in theirs} - mine <= {"proxyhttp", "proxygrpc"}, path


def _rewritten(path: Path) -> dict[str, dict[str, object]]:
    if path.parent.name == "services":
        saved = read_saved_service(path.read_bytes())
        one = LocalService(service=saved.service, token=saved.token, sidecar_of=saved.sidecar_of)
        return json.loads(service_bytes(one))  # type: ignore[no-any-return]  # of the form just written
    check = read_saved_check(path.read_bytes())
    return json.loads(  # type: ignore[no-any-return]
        check_bytes(local_check(check.check_id, service_id=check.service_id, definition=check.definition))
    )


def test_what_older_consuls_leave_out_is_filled_in() -> None:
    data = json.dumps({"Token": "", "Service": {"ID": "a", "Service": "a", "Tags": None, "Port": 1}}).encode()
    read = read_saved_service(data).service
    assert (read.tags, read.weights.passing, read.connect.native) == ([], 1, False)


@pytest.mark.parametrize("read", [read_saved_service, read_saved_check, read_saved_status])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"Service": 1}',
        b'{"Service": {"ID": ""}}',
        b'{"Check": {}}',
        b'{"Check": {"CheckID": "c"}, "ChkType": {"Interval": "x"}}',
        b'{"Check": {"CheckID": "c"}, "ChkType": {}}',
    ],
)
def test_what_is_no_such_file_is_refused(read: object, data: bytes) -> None:
    assert callable(read)
    with pytest.raises(RequestError):
        read(data)


@given(
    st.binary() | st.recursive(st.none() | st.text(), lambda x: st.dictionaries(st.text(), x)).map(repr).map(str.encode)
)
def test_any_bytes_raise_one_error(data: bytes) -> None:
    for read in (read_saved_service, read_saved_check, read_saved_status):
        with pytest.raises(RequestError):
            read(data)


def test_secrets_of_maintenance_and_services_are_kept_for_the_writes_of_the_next_run() -> None:
    check = LocalCheck(check=local_check("_node_maintenance").check, token="t")
    assert read_saved_check(check_bytes(check)).token == "t"
    assert read_saved_service(service_bytes(replace(local_service(), token="t"))).token == "t"
