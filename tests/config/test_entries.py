"""`config_entries.bootstrap`: entries as they are kept, flaws with their lines."""

from pathlib import Path

import pytest

from lictor_config import entries
from lictor_config.tree import Configuration
from tests.config.test_load import load, problems, write

HCL = """
config_entries {
  bootstrap {
    kind = "proxy-defaults"
    name = "global"
    config { some_key = 1 }
  }
  bootstrap {
    kind = "service-router"
    name = "web"
    routes { match { http { path_prefix = "/a" } } }
  }
}
"""


def names(configuration: Configuration) -> list[tuple[str, str]]:
    return [(one.kind, one.name) for one in configuration.first_entries]


def test_entries_are_read_as_they_are_kept(tmp_path: Path) -> None:
    one = load(write(tmp_path, a__json='{"config_entries": {"bootstrap": [{"Kind": "mesh", "Meta": {"a": "b"}}]}}'))
    body = {"TransparentProxy": {}, "Meta": {"a": "b"}}
    (found,) = one.first_entries
    assert (found.kind, found.name, found.cas) == ("mesh", "mesh", 0)
    assert found.body["Meta"] == body["Meta"]


def test_blocks_of_several_files_are_one_list_in_their_order(tmp_path: Path) -> None:
    mesh = '{"config_entries": {"bootstrap": {"kind": "mesh", "name": "mesh"}}}'
    write(tmp_path, a__hcl=HCL, b__json=mesh)
    assert names(load(tmp_path)) == [("proxy-defaults", "global"), ("service-router", "web"), ("mesh", "mesh")]
    assert load(tmp_path).first_entries[0].body["Config"] == {"some_key": 1}


def test_every_flaw_is_told_with_file_and_line(tmp_path: Path) -> None:
    text = """
config_entries {
  bootstrap = [
    { kind = "service-defaults" },
    {
      kind = "service-resolver"
      name = "web"
      connect_timout = "5s"
      failover = { "*" = { service = 5, datacenters = "dc2", bogus = 1 } }
    },
    { kind = "bogus", name = "x" },
    {
      kind = "service-splitter"
      name = "web"
      splits = [
        { weight = 10 },
        { weight = "x" }
      ]
    },
  ]
}
"""
    file = write(tmp_path, a__hcl=text)
    found = problems(file)
    assert len(found) == 5
    lines = {int(one.removeprefix(f"{file}:").partition(":")[0]) for one in found}
    assert lines == {4, 8, 9, 11, 17}
    assert any("config_entries.bootstrap[1].connect_timout: invalid config key; did you mean" in one for one in found)
    assert any("invalid config entry kind: bogus" in one for one in found)


def test_entries_are_judged_on_agents_that_are_no_servers_too(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl='config_entries { bootstrap { kind = "mesh" bogus = 1 } }')
    assert "bogus" in problems(file, dev=False, data_dir=str(tmp_path))[0]


def test_an_unknown_key_beside_the_list_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, a__hcl="config_entries { bootstraps = [] }")
    assert "did you mean bootstrap?" in problems(file)[0]


def test_there_is_a_most_of_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "BOOTSTRAP_MAX", 1)
    assert "names 2 entries; at most 1" in problems(write(tmp_path, a__hcl=HCL))[0]


def test_a_configuration_without_entries_has_none() -> None:
    assert load().first_entries == ()
