"""What an agent says when it is up."""

from __future__ import annotations

from lictor_agent.banner import Listening, banner
from tests.agent.builders import identity

USUAL = Listening(http=["127.0.0.1:8500"], dns=[("127.0.0.1", 8600)], grpc=["127.0.0.1:8502"], server="127.0.0.1:8300")


def test_it_names_every_address() -> None:
    text = banner(identity(), USUAL, data_dir="")
    for address in ("http://127.0.0.1:8500", "127.0.0.1:8600 (UDP, TCP)", "127.0.0.1:8502", "127.0.0.1:8300"):
        assert address in text
    assert "in memory" in text
    assert "HTTPS" not in text
    secured = Listening(http=[], https=["127.0.0.1:8501"], dns=[], grpc=[], server="")
    assert "HTTPS: https://127.0.0.1:8501" in banner(identity(), secured, data_dir="")


def test_it_names_the_directory_that_data_is_kept_in() -> None:
    assert "State: data in /var/lib/lictor" in banner(identity(), USUAL, data_dir="/var/lib/lictor")


def _commands(listening: Listening, default_policy: str = "") -> list[str]:
    lines = banner(identity(), listening, data_dir="", default_policy=default_policy).splitlines()
    start = lines.index("==> Try, in another terminal:") + 1
    return [line.strip() for line in lines[start : start + 3]]


def test_it_gives_three_commands_to_try() -> None:
    assert _commands(USUAL) == [
        "lictor members",
        "lictor kv put greeting hello",
        "dig @127.0.0.1 -p 8600 consul.service.consul SRV",
    ]


def test_commands_name_an_address_that_is_not_the_usual() -> None:
    other = Listening(http=["127.0.0.1:9500"], dns=[("0.0.0.0", 9600)], grpc=[], server="")
    assert _commands(other) == [
        "lictor members -http-addr=http://127.0.0.1:9500",
        "lictor kv put -http-addr=http://127.0.0.1:9500 greeting hello",
        "dig @127.0.0.1 -p 9600 consul.service.consul SRV",
    ]
    socket_only = Listening(http=["unix:///run/lictor.sock"], dns=[], grpc=[], server="")
    assert _commands(socket_only)[0] == "lictor members -http-addr=unix:///run/lictor.sock"


def test_it_says_whether_access_is_controlled() -> None:
    assert "ACLs: off: everybody may do everything" in banner(identity(), USUAL, data_dir="")
    text = banner(identity(), USUAL, data_dir="", default_policy="allow")
    assert "ACLs: on; what no rule speaks of: allow" in text
    assert "lictor kv put" in text


def test_where_nothing_is_allowed_without_a_token_one_is_made_first() -> None:
    first, token, second = _commands(USUAL, "deny")
    assert (first, second) == ("lictor acl bootstrap", "lictor members")
    assert token.startswith("export LICTOR_HTTP_TOKEN=")


def test_without_http_it_suggests_nothing() -> None:
    text = banner(identity(), Listening(http=[], dns=[], grpc=[], server=""), data_dir="")
    assert "Try" not in text
    assert "off" in text
