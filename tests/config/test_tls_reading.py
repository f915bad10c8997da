"""TLS from both forms of a configuration: which one holds at which door, and what is told of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_config.load import ConfigurationProblems, load_configuration
from lictor_config.tree import Configuration, Origin

PAIR = 'cert_file = "c" key_file = "k"'


def load(text: str, *, server: bool = True) -> Configuration:
    role = "server = true" if server else ""
    given = f'data_dir = "/x" bind_addr = "127.0.0.1" node_name = "n" {role} {text}'
    return load_configuration(Origin(fragments=(given.replace("} }", "}\n}"),)))


def doors(text: str, field: str) -> list[object]:
    return [getattr(door, field) for door in load(text).tls.doors]


def complaints(text: str, *, server: bool = True) -> tuple[str, ...]:
    with pytest.raises(ConfigurationProblems) as caught:
        load(text, server=server)
    return tuple(problem.partition("]:")[2].partition(": ")[2] for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ('ca_file = "a"', "ca_file", ["a", "a", "a"]),
        ('tls { defaults { ca_file = "a" } }', "ca_file", ["a", "a", "a"]),
        ('ca_file = "a" tls { defaults { ca_file = "b" } }', "ca_file", ["b", "b", "b"]),
        ('ca_file = "a" tls { grpc { ca_file = "b" } }', "ca_file", ["a", "a", "b"]),
        (
            'tls { defaults { cert_file = "a" }\nhttps { cert_file = "b" }\ninternal_rpc { cert_file = "c" } }',
            "cert_file",
            ["c", "b", "a"],
        ),
        ('tls { defaults { ca_file = "a" }\nhttps { ca_path = "b" } }', "ca_file", ["a", "", "a"]),
        (f'verify_incoming = true ca_file = "a" {PAIR}', "verify_incoming", [True, True, False]),
        (f'verify_incoming_rpc = true ca_file = "a" {PAIR}', "verify_incoming", [True, False, False]),
        (
            f'verify_incoming = true ca_file = "a" {PAIR} tls {{ https {{ verify_incoming = false }} }}',
            "verify_incoming",
            [True, False, False],
        ),
        (
            'tls { defaults { verify_incoming = true\nca_file = "a"\ncert_file = "c"\nkey_file = "k" } }',
            "verify_incoming",
            [True, True, True],
        ),
        (
            'verify_incoming_https = true ca_file = "a" tls { defaults { verify_incoming = false } }',
            "verify_incoming",
            [False, True, False],
        ),
        ('tls_min_version = "tls12"', "min_version", ["tls12", "tls12", "tls12"]),
        ('tls { https { tls_min_version = "TLSv1_3" } }', "min_version", ["", "tls13", ""]),
        (
            'tls_min_version = "tls13" tls { https { tls_min_version = "TLS_AUTO" } }',
            "min_version",
            ["tls13", "", "tls13"],
        ),
        (
            'tls { internal_rpc { verify_server_hostname = true\nca_file = "a" } }',
            "verify_server_hostname",
            [True, False, False],
        ),
    ],
)  # fmt: skip
def test_the_nearest_word_holds(text: str, field: str, expected: list[object]) -> None:
    assert doors(text, field) == expected


def test_a_door_knows_which_key_said_what() -> None:
    tls = load('ca_file = "a" tls { https { ca_file = "b" }\ndefaults { cert_file = "c" } }').tls
    assert [door.key("ca_file") for door in tls.doors] == ["ca_file", "tls.https.ca_file", "ca_file"]
    assert tls.grpc.key("cert_file") == "tls.defaults.cert_file"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tls { https { verify_incoming = true } }", "tls.https.verify_incoming: needs ca_file or ca_path"),
        ("tls { grpc { verify_incoming = true } }", "tls.grpc.verify_incoming: needs ca_file or ca_path"),
        ('tls { internal_rpc { ca_file = "a"\nverify_incoming = true } }',
         "tls.internal_rpc.verify_incoming: needs cert_file and key_file"),
        ("tls { defaults { verify_outgoing = true } }", "tls.defaults.verify_outgoing: needs ca_file or ca_path"),
        ('tls { https { tls_min_version = "TLSv1.2" } }', "tls.https.tls_min_version: 'TLSv1.2' is none of tls10, "),
        ('tls { grpc { tls_cipher_suites = "x" } }', "tls.grpc.tls_cipher_suites: 'x' is not taken"),
        ("auto_encrypt { tls = true }", "auto_encrypt.tls: is for agents that are no servers"),
        ("tls { grpc { verify_outgoing = true } }", "tls.grpc.verify_outgoing: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_key_that_said_it(text: str, complaint: str) -> None:
    found = complaints(text)
    assert len(found) == 1
    assert found[0].startswith(complaint)


def test_client_agents_ask_for_certificates_and_servers_give_them() -> None:
    assert complaints("auto_encrypt { allow_tls = true }", server=False)[0].startswith("auto_encrypt.allow_tls: is for")
    assert complaints("auto_encrypt { tls = true }", server=False)[0].startswith("auto_encrypt.tls: needs ca_file")
    auto = load(
        'ca_file = "a" auto_encrypt { tls = true\ndns_san = ["x"]\nip_san = ["10.0.0.1"] }', server=False
    ).auto_encrypt
    assert (auto.tls, auto.dns_san, auto.ip_san) == (True, ("x",), ("10.0.0.1",))


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ('ca_file = "a" tls { defaults { ca_file = "b" } }', ["ca_file has no effect beside tls.defaults.ca_file"]),
        ('ca_file = "a" tls { https { ca_file = "b" } }', []),
        ('verify_incoming_https = false ca_file = "a" tls { https { verify_incoming = true } }',
         ["verify_incoming_https has no effect beside tls.https.verify_incoming"]),
        ('verify_outgoing = true tls { internal_rpc { verify_outgoing = true\nca_file = "b" } }',
         ["verify_outgoing has no effect beside tls.internal_rpc.verify_outgoing"]),
        ('tls { https { cert_file = "a" } }', ["tls.https.cert_file without key_file has no effect"]),
        ('tls { https { tls_min_version = "TLSv1_0" } }',
         ["tls.https.tls_min_version is tls10: TLS 1.2 is the oldest that is spoken"]),
        ("tls { grpc { use_auto_cert = true } }", ["tls.grpc.use_auto_cert has no effect without auto_encrypt.tls"]),
        ("auto_encrypt { allow_tls = true }",
         ["auto_encrypt.allow_tls has no effect without cert_file and key_file: agents take nothing from strangers"]),
        (f"auto_encrypt {{ allow_tls = true }}\n{PAIR}",
         ["auto_encrypt.allow_tls without verify_incoming or verify_incoming_rpc: agents get certificates, and nobody "
          "asks for them; turn one of them on once all agents use TLS"]),
        ('auto_encrypt { ip_san = ["xx"] }', ["auto_encrypt.ip_san: 'xx' is no IP address, and is left out"]),
        ("tls { https { verify_outgoing = true } }", ["not used by Lictor: tls.https.verify_outgoing"]),
    ],
)  # fmt: skip
def test_what_is_said_in_vain_is_told(text: str, warnings: list[str]) -> None:
    told = [one for one in load(text).warnings if not one.startswith("not used") or "verify_outgoing" in one]
    assert told == warnings


def test_a_certificate_of_ones_own_is_not_asked_for() -> None:
    text = 'ca_file = "a" auto_encrypt { tls = true }'
    assert load(text, server=False).asks_for_certificate
    own = load(f"{text}\n{PAIR}", server=False)
    assert not own.asks_for_certificate
    assert own.warnings == ("auto_encrypt.tls has no effect beside cert_file",)


def test_a_flaw_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.hcl"
    file.write_text('data_dir = "/x"\nbind_addr = "127.0.0.1"\ntls {\n  https {\n    verify_incoming = true\n  }\n}\n')
    with pytest.raises(ConfigurationProblems, match=rf"{file}:5: tls\.https\.verify_incoming: needs"):
        load_configuration(Origin(files=(str(file),)))
