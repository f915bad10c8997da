"""Where definitions stand in the configuration."""

from __future__ import annotations

from pathlib import Path

from lictor_config.load import load_configuration
from lictor_config.places import definition_paths
from lictor_config.tree import Origin


def test_definitions_of_a_document_are_named_in_the_order_of_merging() -> None:
    block: dict[str, object] = {}
    values: dict[str, object] = {"Service": block, "services": [block, block], "checks": block, "check": None}
    assert list(definition_paths(values, "services", "service")) == [("Service",), ("services", 0), ("services", 1)]
    assert list(definition_paths(values, "checks", "check")) == [("checks",)]


def test_each_service_and_check_of_the_files_has_its_place(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.hcl"
    one.write_text('{"services": [{"name": "a"}, {"name": "b"}],\n "check": {"name": "c", "ttl": "9s"}}')
    two.write_text('node_name = "n"\nservice {\n  name = "d"\n}\n')
    found = load_configuration(Origin(files=(str(tmp_path),), dev=True))
    assert [one.name for one in found.services] == ["a", "b", "d"]
    assert [place.rpartition(": ")[2] for place in found.service_places] == ["services[0]", "services[1]", "service"]
    assert [Path(place.split(":")[0]).name for place in found.service_places] == ["1.json", "1.json", "2.hcl"]
    assert found.service_places[2].startswith(f"{two}:2")
    assert found.check_places == (f"{one}:2: check",)
