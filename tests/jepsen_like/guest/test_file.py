"""The owner's file: what is read of it, and what is told of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_jepsen.guest import ClusterFileError, read_cluster_file
from lictor_jepsen.workload import House

GOOD = """
name = "staging"
token_file = "token"

[[server]]
name = "s1"
http = "http://10.0.0.1:8500"

[[agent]]
name = "web-1"
http = "http://10.0.1.1:8500"

[[fault]]
name = "pause-one"
begin = ["ssh", "{address}", "systemctl kill -s STOP lictor"]
end = ["ssh", "{address}", "systemctl kill -s CONT lictor"]
"""
SERVER = '[[server]]\nname = "s1"\nhttp = "http://10.0.0.1:8500"\n'


def _read(folder: Path, text: str) -> str:
    """What is said of a wrong file."""
    path = folder / "c.toml"
    path.write_text(text)
    with pytest.raises(ClusterFileError) as raised:
        read_cluster_file(path)
    assert str(raised.value).startswith(f"{path}: ")
    return str(raised.value)


def test_a_file_says_who_is_there_with_which_access_and_what_may_be_done(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("top/secret\n")
    (tmp_path / "c.toml").write_text(GOOD)
    cluster = read_cluster_file(tmp_path / "c.toml")
    assert [node.name for node in cluster.everybody] == ["s1", "web-1"]
    assert cluster.servers[0].address == "10.0.0.1"
    assert cluster.urls["web-1"] == "http://:top%2Fsecret@10.0.1.1:8500"
    assert (cluster.faults[0].per, cluster.faults[0].seconds_max, cluster.tls) == ("server", 30.0, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid value"),
        ("server = []", "name at least one"),
        (f'{SERVER}colour = "red"', "unknown field `colour`"),
        (f"{SERVER}{SERVER}", "two are named 's1'"),
        (SERVER.replace("http://", "ftp://"), "is no address such as"),
        (SERVER.replace("8500", "8500/v1"), "is no address such as"),
        (f'name = "a/b"\n{SERVER}', "letters, digits"),
        (f'token = "a"\ntoken_file = "b"\n{SERVER}', "give one of them"),
        (f'token_file = "nowhere"\n{SERVER}', "No such file"),
        (f'key_file = "x"\n{SERVER}', "come together"),
        (f'ca_file = "nowhere"\n{SERVER.replace("http:", "https:")}', "No such file"),
        (f'{SERVER}[[fault]]\nname = "x"\nbegin = []\nend = ["true"]', "is ['true']"),
        (f'{SERVER}[[fault]]\nname = "a,b"\nbegin = ["true"]\nend = ["true"]', "without spaces"),
        (f'{SERVER}[[fault]]\nname = "x"\nbegin = ["true"]\nend = ["true"]\nseconds_max = 999', "at most 300"),
        (f'{SERVER}[[fault]]\nname = "x"\nper = "agent"\nbegin = ["true"]\nend = ["true"]', "there is no [[agent]]"),
        (f'{SERVER}[[fault]]\nname = "x"\nper = "cluster"\nbegin = ["a", "{{node}}"]\nend = ["true"]', "for nobody"),
        (f'{SERVER}dns = "10.0.0.1"', "no address with a port"),
        (f'{SERVER}dns = "10.0.0.1:ten"', "no address with a port"),
        (f"session_ttl_min_s = 0\n{SERVER}", "session_ttl_min_s is above 0"),
        (f"dns_max_stale_s = 3600\n{SERVER}", "names cannot be judged"),
        (f'{SERVER}[[fault]]\nname = "x"\nper = "moon"\nbegin = ["true"]\nend = ["true"]', "'moon'"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    assert said in _read(tmp_path, text)


def test_what_workloads_have_to_know_of_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "c.toml").write_text(GOOD)
    cluster = read_cluster_file(tmp_path / "c.toml")
    assert cluster.house == House(session_ttl_min_ms=10_000, dns_max_stale_ms=None, has_dns=False)
    more = 'session_ttl_min_s = 1.5\ndns_max_stale_s = 2\ndns_domain = "Lan."\n'
    told = GOOD.replace("10.0.1.1:8500", '10.0.1.1:8500"\ndns = "10.0.1.1:53')
    (tmp_path / "c.toml").write_text(more + told)
    cluster = read_cluster_file(tmp_path / "c.toml")
    assert cluster.house == House(session_ttl_min_ms=1500, dns_max_stale_ms=2000, has_dns=True), "agents are asked"
    assert (cluster.dns, cluster.domain) == ({"web-1": ("10.0.1.1", 53)}, "lan.")


def test_all_that_is_wrong_is_told_at_once_and_no_token(tmp_path: Path) -> None:
    said = _read(tmp_path, f'token = "hush"\ntoken_file = "b"\nkey_file = "x"\n{SERVER}{SERVER}')
    assert "two are named" in said
    assert "come together" in said
    assert "hush" not in said
