"""What differs between two configurations, and what a running agent takes over of it."""

from pathlib import Path

import pytest

from lictor_config.keys import keys
from lictor_config.load import load_configuration
from lictor_config.reloadable import RELOADABLE, Differences, differences
from lictor_config.tree import Configuration, Origin

BASE = 'data_dir = "/x" server = true bind_addr = "127.0.0.1" node_name = "n"\n'


def load(tmp_path: Path, text: str) -> Configuration:
    file = tmp_path / "a.hcl"
    file.write_text(BASE + text)
    return load_configuration(Origin(files=(str(file),)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", Differences()),
        ('log_level = "warn"', 'log_level = "info"', Differences(taken=("log_level",))),
        ("", "ports { http = 1 dns = 2 }", Differences(restart=("ports.dns", "ports.http"))),
        ("Ports { HTTP = 1 }", "ports { http = 1 }", Differences()),
        ("", "dns_config { soa { retry = 1 } only_passing = true }",
         Differences(taken=("dns_config.only_passing", "dns_config.soa.retry"))),
        ('node_meta { a = "b" }', 'node_meta { a = "c" }', Differences(taken=("node_meta",))),
        ('service { name = "a" }', 'service { name = "b" }', Differences(taken=("services",))),
        ('cert_file = "a"\nkey_file = "b"', 'cert_file = "c"\nkey_file = "b"', Differences(taken=("cert_file",))),
        ("", 'cert_file = "a"\nkey_file = "b"', Differences(taken=("cert_file", "key_file"))),
        ("ports { https = 1 }", 'ports { https = 1 }\ncert_file = "a"\nkey_file = "b"',
         Differences(restart=("cert_file", "key_file"))),
        ("", 'tls { defaults { ca_file = "a" verify_outgoing = true } }',
         Differences(taken=("tls.defaults.ca_file", "tls.defaults.verify_outgoing"))),
        ("", 'acl { tokens { default = "a" agent = "b" } } acl_agent_master_token = "c"',
         Differences(taken=("acl_agent_master_token", "acl.tokens.agent", "acl.tokens.default"))),
        ("", 'acl { tokens { master = "m" } }', Differences(restart=("acl.tokens.master",))),
        ("", 'telemetry { circonus_api_app = "x" }', Differences()),
    ],
)  # fmt: skip
def test_keys_that_differ_are_told_apart(tmp_path: Path, old: str, new: str, expected: Differences) -> None:
    assert differences(load(tmp_path, old), load(tmp_path, new)) == expected


def test_what_can_be_reloaded_is_in_the_table() -> None:
    assert set(keys()) >= RELOADABLE


def test_what_was_given_is_not_printed_and_does_not_tell_two_apart(tmp_path: Path) -> None:
    configuration = load(tmp_path, 'encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="')
    assert configuration.given["encrypt"]
    assert "pUqJ" not in repr(configuration)
