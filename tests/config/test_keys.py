"""The table of keys beside what Consul 1.8.7 takes: `consul_keys.txt` is what its own `validate` said."""

from pathlib import Path

import pytest

from lictor_config.keys import KeyKind, KeySpec, keys, keys_of
from lictor_config.presets import PRODUCTION
from lictor_config.reading import Problem, Reader
from lictor_config.schema import read_configuration
from lictor_config.unused import is_used, unused_keys

FACTS = {
    path: kind
    for path, _, kind in (
        line.partition(" ")
        for line in (Path(__file__).parent / "consul_keys.txt").read_text().splitlines()
        if not line.startswith("#")
    )
}
IN_DEFINITIONS = ("service.", "check.")
AGENTS = {path: kind for path, kind in FACTS.items() if not path.startswith(IN_DEFINITIONS)}
REFUSED = {"advertise_addr_wan_ipv6", "reap"}
"""What the documents name and Consul 1.8.7 itself refuses."""
OURS = REFUSED | {
    "acl.tokens.agent_recovery",
    "acl.tokens.initial_management",
    "advertise_reconnect_timeout",
    "auto_reload_config",
    "dns_config.cache_entries_max",
    "dns_config.enable_age_txt",
    "dns_config.tcp_connections_max",
    "dns_config.tcp_connections_per_client_max",
    "dns_config.tcp_idle_timeout",
    "http_config.allow_cross_site_writes",
    "http_config.allowed_hosts",
    "limits.http_burst_per_client",
    "limits.http_burst_per_token",
    "limits.http_rate_per_client",
    "limits.http_rate_per_token",
    "limits.request_limits",
    "limits.request_limits.mode",
    "limits.request_limits.read_rate",
    "limits.request_limits.write_rate",
    "membership",
    "membership.connection_grace",
    "membership.lease_ttl",
    "tls",
    *(spec.path for spec in keys().values() if spec.path.startswith("tls.")),
}
"""And what is Lictor's own, or a later Consul's."""
TYPES = {
    KeyKind.TEXT: "string",
    KeyKind.BOOLEAN: "bool",
    KeyKind.WHOLE: "int",
    KeyKind.NUMBER: "number",
    KeyKind.DURATION: "string",
    KeyKind.TEXTS: "list",
    KeyKind.TEXT_MAP: "map",
    KeyKind.DURATION_MAP: "map",
    KeyKind.FREE: "map",
    KeyKind.BLOCKS: "maps",
    KeyKind.SECTION: "map",
    KeyKind.DEFINITION: "map",
}
GOOD: dict[KeyKind, object] = {
    KeyKind.TEXT: "x",
    KeyKind.BOOLEAN: True,
    KeyKind.WHOLE: 5,
    KeyKind.NUMBER: 1.5,
    KeyKind.DURATION: "5s",
    KeyKind.TEXTS: ["x"],
    KeyKind.TEXT_MAP: {"a": "b"},
    KeyKind.DURATION_MAP: {"a": "5s"},
    KeyKind.FREE: {"a": 1},
    KeyKind.BLOCKS: [],
    KeyKind.SECTION: {},
    KeyKind.DEFINITION: {"name": "x", "ttl": "5s"},
}


def values_of(path: str, value: object) -> dict[str, object]:
    """A configuration that says `value` at a path."""
    *sections, name = path.split(".")
    values: dict[str, object] = {name: value}
    for section in reversed(sections):
        values = {section: values}
    return values


def problems_of(path: str, value: object) -> list[Problem]:
    reader = Reader(values_of(path, value))
    read_configuration(reader, PRODUCTION)
    return reader.problems


def test_the_table_has_the_keys_of_consul_and_no_others() -> None:
    assert set(keys()) - OURS == set(AGENTS)


@pytest.mark.parametrize("path", AGENTS)
def test_a_key_takes_what_consuls_takes(path: str) -> None:
    assert TYPES[keys()[path].kind] == AGENTS[path]


@pytest.mark.parametrize("spec", keys().values(), ids=lambda spec: spec.path)
def test_a_key_is_accepted_with_a_value_of_its_kind(spec: KeySpec) -> None:
    value = {"name": "x"} if spec.path == "service" else GOOD[spec.kind]
    assert problems_of(spec.path, value) == []


@pytest.mark.parametrize("spec", keys().values(), ids=lambda spec: spec.path)
def test_a_key_with_a_value_of_another_kind_is_an_error_that_names_it(spec: KeySpec) -> None:
    wrong: object = 5 if spec.kind not in (KeyKind.WHOLE, KeyKind.NUMBER) else "five"
    messages = {str(problem).partition(", not")[0] for problem in problems_of(spec.path, wrong)}
    assert len(messages) == 1
    assert next(iter(messages)).startswith(f"{spec.path}: must be ")


@pytest.mark.parametrize("path", [path for path in FACTS if path.startswith(IN_DEFINITIONS)])
def test_every_key_of_a_definition_is_known(path: str) -> None:
    assert [problem for problem in problems_of(path, object()) if "unknown" in problem.message] == []


def test_a_key_nobody_knows_is_an_error_wherever_it_stands() -> None:
    for section in ["", *(spec.path for spec in keys().values() if spec.kind is KeyKind.SECTION)]:
        path = f"{section}.bogus" if section else "bogus"
        assert [str(problem) for problem in problems_of(path, 1)] == [f"{path}: unknown key"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("datadir", "data_dir"),
        ("retry_joins", "retry_join"),
        ("acl.tokens.defualt", "default"),
        ("ports.htp", "http"),
        ("telemetry.statsd_addres", "statsd_address"),
        ("service.EnableTagOverride", "enable_tag_override"),
    ],
)
def test_a_near_miss_is_told_what_was_perhaps_meant(path: str, meant: str) -> None:
    assert f"{path}: unknown key; did you mean {meant}?" in [str(problem) for problem in problems_of(path, 1)]


def test_an_unused_key_is_named_by_its_path_and_a_used_one_is_not() -> None:
    for spec in keys().values():
        named = unused_keys(Reader(values_of(spec.path, GOOD[spec.kind])))
        if is_used(spec):
            assert named == []
        else:
            assert len(named) == 1
            assert f"{spec.path}.".startswith(f"{named[0]}.")


def test_a_newer_name_is_a_key_of_its_own() -> None:
    for spec in keys().values():
        assert not spec.newer or (spec.newer in keys() and not spec.where)


def test_every_key_stands_in_a_section_of_the_table() -> None:
    for spec in keys().values():
        assert not spec.section or keys()[spec.section].kind is KeyKind.SECTION
        assert keys_of(spec.section)[spec.name] is spec
