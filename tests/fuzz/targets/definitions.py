"""Agent files: HCL and JSON, definitions of services and checks among them, to the checked configuration.

Rules of policies, too, are HCL, and come from clients. `ConfigurationError`; and what is taken can be told as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_config.hcl import SyntaxProblem, parse_hcl, parse_json
from lictor_config.load import ConfigurationProblems, load_configuration
from lictor_config.tree import Origin
from lictor_core.errors import ConfigurationError, RequestError
from lictor_core.json_text import to_json

_FILES = (
    b'service { name = "web" port = 80 check { http = "http://localhost" interval = "10s" } }\nnode_name = "n1"\n',
    b'{"services": [{"name": "db", "tags": ["a"], "meta": {"k": "v"}}], "datacenter": "dc2", "ports": {"http": -1}}',
    b'acl { enabled = true tokens { agent = "x" } }\n'
    b'key_prefix "a/" { policy = "write" }\nservice "web" { policy = "read" }',
    b'dns_config { service_ttl { "*" = "5s" } }\n# comment\n/* more */ text = <<EOF\nlines\nEOF\n',
    b'connect { enabled = true ca_config { leaf_cert_ttl = "72h" } }\n'
    b'retry_join = ["10.0.0.1"]\nbind_addr = "{{ GetPrivateIP }}"',
    b'watches = [{ type = "key" key = "a" handler_type = "script" args = ["true"] }]\n'
    b"limits { http_max_conns_per_client = 1 }",
    b'config_entries { bootstrap { kind = "service-router" name = "web"'
    b' routes = [{ match { http { path_exact = "/" } } }] } }',
    b'tls { defaults { ca_file = "x" } }\nencrypt = "aGVsbG8="\nperformance { raft_multiplier = 1 }\n'
    b'telemetry { prefix = "p" }',
)


def run(data: bytes) -> None:
    """Text as it stands in a file; JSON when it begins with a brace."""
    text = data.decode("utf-8", "replace")
    try:
        document = parse_json(text) if text.lstrip().startswith("{") else parse_hcl(text)
    except SyntaxProblem as error:
        if not 1 <= error.line <= text.count("\n") + 1:
            raise AssertionError("the line of a problem is none of the text") from error
        return
    to_json(document.values)
    try:
        load_configuration(
            Origin(fragments=(text,), flags={}, environment={}), hostname=lambda: "n1", interfaces=lambda: ()
        )
    except (ConfigurationError, ConfigurationProblems, RequestError):
        return


def seeds() -> Iterable[bytes]:
    """Files with each section, nested deep, with odd strings and numbers."""
    yield from _FILES
    yield b"a = " + b"[" * 70
    yield b"a " + b'"b" ' * 70 + b"{}"
    yield b'a = "\\u00e9\\ud83d\\ude00\\x41\\101\\U0001f600"\nb = 0x1F\nc = 1e400\nd = -0\n'
    yield b"{" * 70
