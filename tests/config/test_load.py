"""Configuration from everything that may speak of it: order, merging, errors with their places, warnings."""

import contextlib
import os
import tempfile
from ipaddress import ip_interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_config.interfaces import Interface
from lictor_config.load import FILE_BYTES_MAX, ConfigurationProblems, load_configuration, load_services
from lictor_config.tree import Configuration, Origin
from lictor_core.errors import ConfigurationError

INTERFACES = [
    Interface("lo", ip_interface("127.0.0.1/8"), ("up", "loopback")),
    Interface("eth0", ip_interface("10.0.0.7/24"), ("up", "broadcast"), is_default=True),
    Interface("eth0", ip_interface("2600::7/64"), ("up", "broadcast"), is_default=True),
]
EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


def write(directory: Path, **texts: str) -> str:
    """Files with these texts, `__` in a name standing for a dot; returns the first one's path."""
    for name, text in texts.items():
        (directory / name.replace("__", ".")).write_text(text)
    return str(directory / next(iter(texts)).replace("__", "."))


def load(*files: str | Path, dev: bool = True, **flags: str) -> Configuration:
    given: dict[str, tuple[str, ...]] = {name.replace("_", "-"): (text,) for name, text in flags.items()}
    origin = Origin(dev=dev, files=tuple(str(file) for file in files), flags=given)
    return load_configuration(origin, hostname=lambda: "host-1", interfaces=lambda: INTERFACES)


def problems(*files: str | Path, dev: bool = True, **flags: str) -> list[str]:
    with pytest.raises(ConfigurationProblems) as caught:
        load(*files, dev=dev, **flags)
    return list(caught.value.problems)


def test_dev_needs_nothing() -> None:
    configuration = load()
    assert (configuration.node_name, configuration.advertise_addr) == ("host-1", "127.0.0.1")
    assert configuration.server
    assert configuration.ui
    assert configuration.connect.enabled
    assert configuration.ports.grpc == 8502
    assert configuration.addresses.http == ("127.0.0.1",)
    assert configuration.warnings == ()


def test_later_sources_hold_over_earlier_ones(tmp_path: Path) -> None:
    file = write(
        tmp_path, a__hcl='node_name = "file"\ndatacenter = "file"\ndomain = "file"\nports { http = 1 dns = 2 }'
    )
    origin = Origin(
        dev=True,
        files=(file,),
        environment={"datacenter": ("environment",), "domain": ("environment",)},
        flags={"domain": ("flag",), "http-port": ("3",)},
        fragments=("ports { http = 4 }",),
    )
    configuration = load_configuration(origin)
    assert (configuration.node_name, configuration.datacenter, configuration.domain) == ("file", "environment", "flag")
    assert (configuration.ports.http, configuration.ports.dns, configuration.ports.server) == (4, 2, 8300)


def test_files_of_a_directory_are_read_by_name(tmp_path: Path) -> None:
    write(tmp_path, b__hcl='node_name = "b"', a__json='{"node_name": "a", "domain": "a"}', c__txt='node_name = "c"')
    (tmp_path / "d.hcl").mkdir()
    configuration = load(tmp_path)
    assert (configuration.node_name, configuration.domain) == ("b", "a")
    assert [warning for warning in configuration.warnings if "c.txt" in warning]


def test_an_empty_file_defines_nothing(tmp_path: Path) -> None:
    write(tmp_path, a__json='{"node_name": "a"}', b__json="", c__hcl="")
    assert load(tmp_path).node_name == "a"


def test_a_pipe_in_a_directory_is_skipped_and_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, a__hcl='node_name = "a"')
    os.mkfifo(tmp_path / "b.hcl")
    configuration = load(tmp_path)
    assert configuration.node_name == "a"
    assert f"{tmp_path}/b.hcl: skipped, since it is no regular file" in configuration.warnings


def test_what_cannot_even_be_looked_at_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    name = tmp_path / ("x" * 300 + ".hcl")
    assert problems(name) == [f"{name}: cannot be read: file name too long"]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, settings='node_name = "x"')
    assert load_configuration(Origin(dev=True, files=(file,), file_format="hcl")).node_name == "x"


def test_services_of_all_files_are_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__hcl='service { name = "a" }\nservices = [{ name = "b" }]\ncheck { name = "x" ttl = "1s" }',
        b__json='{"service": {"name": "c"}, "checks": [{"name": "y", "ttl": "1s"}]}',
        c__hcl='services { name = "d" }',
    )
    configuration = load(tmp_path)
    assert sorted(service.name for service in configuration.services) == ["a", "b", "c", "d"]
    assert [check.name for check in configuration.checks] == ["x", "y"]


def test_all_problems_are_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__hcl='service {\n  name = "a"\n  port = "80"\n  bogus = 1\n}\nfoo = 1\n',
        b__json='{\n  "ports": {"http": "x"},\n  "services": [{"name": "b", "check": {"http": "x"}}]\n}',
        c__hcl="oops = ",
    )
    found = problems(tmp_path, http_port="y")
    assert found == [
        f"{tmp_path}/c.hcl:1: expected a value, found the end of the file",
        '-http-port: must be a whole number, not "y"',
        f'{tmp_path}/a.hcl:3: service.port: must be a whole number, not the string "80"',
        f"{tmp_path}/a.hcl:4: service.bogus: unknown key",
        f"{tmp_path}/a.hcl:6: foo: unknown key",
        f'{tmp_path}/b.json:2: ports.http: must be a whole number, not the string "x"',
        f"{tmp_path}/b.json:3: services[0].check: Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks",
    ]


def test_values_that_cannot_be_are_told_with_file_and_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__hcl='data_dir = "d"\nbootstrap_expect = 3\nports {\n  http = 99999\n}\n'
        'watches = [{ type = "services" args = ["x"] }]\n',
        b__json='{"watches": [{"type": "services", "args": ["x"]},\n {"type": "key", "args": ["x"]}],\n'
        '"datacenter": "A b"}',
    )
    with pytest.raises(ConfigurationProblems) as caught:
        load_configuration(Origin(files=(str(tmp_path),), flags={"log-level": ("loud",), "bind": ("127.0.0.1",)}))
    assert sorted(caught.value.problems) == sorted(
        [
            f"{tmp_path}/a.hcl:2: bootstrap_expect: needs server = true",
            f"{tmp_path}/a.hcl:4: ports.http: 99999 is no port; use 1 to 65535, or -1 for off",
            f"{tmp_path}/b.json:2: watches[1]: Must specify a single key to watch",
            f"{tmp_path}/b.json:3: datacenter: 'a b' must consist of a-z, 0-9, - and _ only",
            "log_level: 'loud' is none of trace, debug, info, warn, err",
        ]
    )


def test_flags_and_variables_are_named_when_their_values_are_wrong() -> None:
    with pytest.raises(ConfigurationProblems) as caught:
        load_configuration(
            Origin(dev=True, flags={"ui": ("maybe",), "bootstrap-expect": ("x",)}, environment={"dns-port": ("x",)})
        )
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "LICTOR_AGENT_dns-port",
        "-ui",
        "-bootstrap-expect",
    ]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "binary.hcl").write_bytes(b"a = \xff")
    (tmp_path / "large.hcl").write_bytes(b" " * (FILE_BYTES_MAX + 1))
    found = problems(tmp_path / "none.hcl", tmp_path)
    assert found == [
        f"{tmp_path}/none.hcl: no such file or directory",
        f"{tmp_path}/binary.hcl: is no UTF-8 text: byte 4 cannot be read",
        f"{tmp_path}/large.hcl: larger than {FILE_BYTES_MAX} bytes",
    ]


def test_what_consul_knows_and_lictor_does_not_use_is_one_warning(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        a__hcl='retry_join_wan = ["a"]\ntelemetry { circonus_api_token = "x" }\n'
        'acl { tokens { replication = "t" } }\nports { serf_wan = 1 }',
    )
    assert load(file).warnings == (
        "not used by Lictor: acl.tokens.replication, ports.serf_wan, retry_join_wan, telemetry.circonus_api_token",
    )


def test_lists_of_flags_come_before_those_of_files(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl='retry_join = ["10.0.0.2"]')
    origin = Origin(dev=True, files=(str(file),), flags={"retry-join": ("10.0.0.1",), "node": ("n",)})
    assert load_configuration(origin).join.retry == ("10.0.0.1", "10.0.0.2")


def test_a_configuration_can_be_made_again_from_its_origin(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl='service { name = "a" }')
    first = load(file)
    write(tmp_path, a__hcl='service { name = "b" }')
    again = load_configuration(first.origin, hostname=lambda: "host-1")
    assert [service.name for service in again.services] == ["b"]
    assert again.origin == first.origin


def test_a_client_leaves_when_terminated_and_a_server_stays() -> None:
    client = load(dev=False, data_dir="/x", bind="127.0.0.1")
    server = load(dev=False, data_dir="/x", bind="127.0.0.1", server="true")
    assert (client.leave_on_terminate, client.skip_leave_on_interrupt) == (True, False)
    assert (server.leave_on_terminate, server.skip_leave_on_interrupt) == (False, True)


def test_the_one_private_address_is_advertised_when_everything_is_bound() -> None:
    assert load(dev=False, data_dir="/x").advertise_addr == "10.0.0.7"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.*")))
def test_an_example_loads_without_a_warning(name: str) -> None:
    dev = name not in ("server.hcl", "client.hcl")
    assert load(EXAMPLES / name, dev=dev).warnings == ()


def test_services_are_read_from_files_that_are_no_whole_configuration(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl='service { name = "a" }\nservices = [{ name = "b" }]')
    assert [service.name for service in load_services([file])] == ["a", "b"]
    with pytest.raises(ConfigurationProblems, match="unknown key"):
        load_services([write(tmp_path, b__json='{"service": {"nme": "x"}}')])


def test_templates_become_addresses(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        a__hcl="""
        bind_addr = "{{ GetPrivateIP }}"
        advertise_addr_wan_ipv4 = "{{ GetPrivateIP }}"
        client_addr = "{{ GetAllInterfaces | include `type` `IPv4` | join `address` ` ` }}"
        addresses { dns = "{{ GetInterfaceIP `eth` }} 127.0.0.1" }
        retry_join = ["10.0.0.1", "{{ GetPrivateIP }}:8301"]
        recursors = ["10.0.0.1", "{{ GetPrivateIP }}:5353", "10.0.0.1", "10.0.0.2 10.0.0.3"]
        """,
    )
    configuration = load(file)
    assert (configuration.bind_addr, configuration.advertise_addr) == ("10.0.0.7", "10.0.0.7")
    assert configuration.advertise_addr_wan_ipv4 == "10.0.0.7"
    assert configuration.client_addr == ("127.0.0.1", "10.0.0.7")
    assert configuration.addresses.dns == ("10.0.0.7", "127.0.0.1")
    assert configuration.join.retry == ("10.0.0.1", "10.0.0.7:8301")
    assert configuration.dns.recursors == ("10.0.0.1", "10.0.0.7:5353", "10.0.0.2", "10.0.0.3")


def test_a_template_that_gives_nothing_is_told_with_what_there_is(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl='\nbind_addr = "{{ GetInterfaceIP `eth9` }}"')
    assert problems(file, advertise_wan="{{ GetPublicIPx }}") == [
        f"{file}:2: bind_addr: the template '{{{{ GetInterfaceIP `eth9` }}}}' gives no address; "
        "the addresses here are lo 127.0.0.1/8, eth0 10.0.0.7/24, eth0 2600::7/64",
        "-advertise-wan: advertise_addr_wan: the template '{{ GetPublicIPx }}': there is no function GetPublicIPx; "
        "did you mean GetPublicIP?",
    ]


def test_who_binds_all_of_ipv6_advertises_its_public_address() -> None:
    assert load(bind="[::]").advertise_addr == "2600::7"


def test_a_machine_that_does_not_tell_its_addresses_is_an_error() -> None:
    def refuse() -> list[Interface]:
        raise PermissionError(1, "Operation not permitted")

    with pytest.raises(ConfigurationProblems, match="cannot be found out"):
        load_configuration(Origin(dev=True, flags={"bind": ("{{ GetPrivateIP }}",)}), interfaces=refuse)


@given(
    st.binary(max_size=200)
    | st.text(alphabet='{}[]="\\n,: abpostr_service0123456789<#/*', max_size=200).map(str.encode)
)
def test_any_bytes_are_a_configuration_or_one_kind_of_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name in ("a.hcl", "a.json"):
            file = Path(directory, name)
            file.write_bytes(data)
            with contextlib.suppress(ConfigurationError):
                load(file)
