"""The agent's flags, and their names in the environment."""

import pytest

from lictor_config.flags import AGENT_FLAGS, FlagKind, environment_flags, flag_values, parse_boolean
from lictor_config.presets import PRODUCTION
from lictor_config.reading import Problem, Reader
from lictor_config.schema import read_configuration

# from `consul agent -help` of 1.8.7, without those that say where the configuration comes from
CONSULS = """
advertise advertise-wan allow-write-http-from alt-domain bind bootstrap bootstrap-expect check_output_max_size
client data-dir datacenter default-query-time disable-host-node-id disable-keyring-file dns-port domain
enable-local-script-checks enable-script-checks encrypt grpc-port http-port https-port join join-wan log-file
log-json log-level log-rotate-bytes log-rotate-duration log-rotate-max-files max-query-time node node-id
node-meta non-voting-server pid-file primary-gateway protocol raft-protocol recursor rejoin retry-interval
retry-interval-wan retry-join retry-join-wan retry-max retry-max-wan segment serf-lan-allowed-cidrs
serf-lan-bind serf-lan-port serf-wan-allowed-cidrs serf-wan-bind serf-wan-port server server-port syslog ui
ui-content-path ui-dir
"""
EXAMPLES = {
    FlagKind.TEXT: "x",
    FlagKind.BOOLEAN: "true",
    FlagKind.INTEGER: "5",
    FlagKind.LIST: "x",
    FlagKind.PAIRS: "a:b",
}


def test_every_flag_of_consul_is_known() -> None:
    assert set(CONSULS.split()) <= set(AGENT_FLAGS)


@pytest.mark.parametrize("spec", AGENT_FLAGS.values(), ids=lambda spec: spec.name)
def test_a_flag_sets_a_key_that_the_schema_knows(spec: object) -> None:
    assert spec in AGENT_FLAGS.values()
    name = next(name for name, known in AGENT_FLAGS.items() if known is spec)
    text = (
        "5s"
        if name.endswith(("-time", "-interval", "-duration", "-interval-wan"))
        else EXAMPLES[AGENT_FLAGS[name].kind]
    )
    noted: list[Problem] = []
    values, origins = flag_values({name: (text,)}, noted)
    reader = Reader(values)
    read_configuration(reader, PRODUCTION)
    assert (noted, reader.problems) == ([], [])
    assert list(origins.values()) == [f"-{name}"]


def test_the_environment_says_the_same_as_flags() -> None:
    environment = {
        "LICTOR_AGENT_HTTP_PORT": "1",
        "LICTOR_AGENT_NODE_META": "a:b c:d",
        "LICTOR_HTTP_ADDR": "not an agent's",
        "PATH": "/bin",
    }
    flags = environment_flags(environment)
    assert flags == {"http-port": ("1",), "node-meta": ("a:b", "c:d")}
    assert flag_values(flags, [])[0] == {"ports": {"http": 1}, "node_meta": {"a": "b", "c": "d"}}


def test_an_unknown_variable_is_an_error() -> None:
    noted: list[Problem] = []
    flag_values(environment_flags({"LICTOR_AGENT_PROT": "1"}), noted)
    assert [str(problem) for problem in noted] == ["LICTOR_AGENT_PROT: there is no such setting"]


def test_the_last_of_a_repeated_flag_holds() -> None:
    assert flag_values({"node": ("a", "b")}, [])[0] == {"node_name": "b"}
    assert flag_values({"retry-join": ("a", "b")}, [])[0] == {"retry_join": ["a", "b"]}


@pytest.mark.parametrize(("text", "value"), [("1", True), ("t", True), ("TRUE", True), ("0", False), ("False", False)])
def test_booleans_are_gos(text: str, value: bool) -> None:
    assert parse_boolean(text) is value


@pytest.mark.parametrize("text", ["", "yes", "2", "tRUE"])
def test_other_words_are_no_booleans(text: str) -> None:
    with pytest.raises(ValueError, match="true or false"):
        parse_boolean(text)
