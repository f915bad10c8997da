"""The body of a catalog registration: defaults and forms."""

from __future__ import annotations

from lictor_agent.http.registrations import read_registration, service_flaw
from lictor_config.reading import Dialect, Reader
from lictor_core.commands import Register
from lictor_core.records import JsonObject, Weights


def read(**members: object) -> tuple[Register, Reader]:
    body: JsonObject = {"Node": "n", "Address": "192.0.2.1", **members}
    reader = Reader(body, dialect=Dialect.HTTP)
    return read_registration(reader, "dc1").command, reader


def test_what_is_left_out_has_consuls_defaults() -> None:
    command, reader = read(Service={"Service": "web"}, Check={"Name": "alive"})
    assert reader.problems == []
    assert command.service is not None
    assert (command.service.id, command.service.weights) == ("web", Weights(passing=1, warning=1))
    (check,) = command.checks
    assert (check.check_id, check.node, check.status) == ("alive", "n", "critical")
    assert (command.node.meta, command.node.tagged_addresses, command.node.datacenter) == (None, None, "dc1")


def test_a_check_of_both_forms_is_taken_after_the_list() -> None:
    command, _ = read(Checks=[{"Name": "a"}, {"Name": "b"}], Check={"Name": "c"})
    assert [check.name for check in command.checks] == ["a", "b", "c"]


def test_durations_are_text_or_nanoseconds_under_either_name() -> None:
    definition = {"HTTP": "http://x", "Interval": "90s", "TimeoutDuration": 5_000_000_000}
    command, _ = read(Check={"Name": "c", "Definition": definition})
    (check,) = command.checks
    assert (check.type, check.definition.interval, check.definition.timeout) == ("http", "1m30s", "5s")


def test_weights_that_cannot_be_are_those_of_everybody() -> None:
    for weights in ({"Passing": 0, "Warning": 0}, {"Passing": -1, "Warning": 1}, {"Passing": 70_000, "Warning": 1}):
        command, _ = read(Service={"Service": "web", "Weights": weights})
        assert command.service is not None
        assert command.service.weights == Weights(passing=1, warning=1)


def test_an_unknown_kind_is_a_typical_service() -> None:
    command, _ = read(Service={"Service": "web", "Kind": "teapot"})
    assert service_flaw(command) is None


def test_the_type_of_an_upstream_stays_as_it_was_given() -> None:
    proxy = {"DestinationServiceName": "web", "Upstreams": [{"DestinationName": "db", "LocalBindPort": 1}]}
    command, _ = read(Service={"Service": "web-proxy", "Kind": "connect-proxy", "Port": 1, "Proxy": proxy})
    assert command.service is not None
    assert [one.destination_type for one in command.service.proxy.upstreams] == [""]
    assert service_flaw(command) is None


def test_members_nobody_knows_are_noted() -> None:
    _, reader = read(Colour=1, Service={"Service": "web", "Size": 2}, Check={"Name": "c", "Shape": 3})
    assert {problem.path[-1] for problem in reader.problems} == {"Colour", "Size", "Shape"}
