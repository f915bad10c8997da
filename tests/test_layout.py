"""The layout that the import contracts and checkers rely on: rooms, packages, lists of settings that must agree."""

import tomllib
from pathlib import Path

import pytest

from tests.support.events import NAME, events

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
PACKAGES = {
    "core": "lictor_core",
    "config": "lictor_config",
    "server": "lictor_server",
    "agent": "lictor_agent",
    "dns": "lictor_dns",
    "connect_proxy": "lictor_connect_proxy",
    "client": "lictor",
    "jepsen-like": "lictor_jepsen",
    "bench": "lictor_bench",
}
NOT_IN_THE_WHEEL = {"bench"}


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_has_a_readme_and_one_typed_package(room: str) -> None:
    assert (ROOT / room / "README.md").is_file()
    assert (ROOT / room / PACKAGES[room] / "py.typed").is_file()
    packages = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
    assert packages == {PACKAGES[room]}


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_is_no_package_itself(room: str) -> None:
    assert not (ROOT / room / "__init__.py").exists()


@pytest.mark.parametrize("room", PACKAGES)
def test_a_package_says_what_may_enter(room: str) -> None:
    docstring = (ROOT / room / PACKAGES[room] / "__init__.py").read_text()
    assert docstring.startswith('"""')
    assert "may enter" in docstring


def test_all_tools_know_the_same_rooms() -> None:
    rooms = list(PACKAGES)
    assert sorted(SETTINGS["hatch"]["build"]["dev-mode-dirs"]) == sorted(rooms)
    assert sorted(SETTINGS["mypy"]["files"]) == sorted([*rooms, "tests"])
    assert sorted(SETTINGS["pyright"]["include"]) == sorted([*rooms, "tests"])
    assert sorted(SETTINGS["ruff"]["src"]) == sorted([*rooms, "."])


def test_the_wheel_holds_the_packages_that_ship() -> None:
    expected = [f"{room}/{package}" for room, package in PACKAGES.items() if room not in NOT_IN_THE_WHEEL]
    assert sorted(expected) == sorted(SETTINGS["hatch"]["build"]["targets"]["wheel"]["packages"])


def test_modules_that_contracts_name_exist() -> None:
    folders = {package: ROOT / room for room, package in PACKAGES.items()}
    for contract in SETTINGS["importlinter"]["contracts"]:
        for module in [*contract.get("source_modules", []), *contract.get("forbidden_modules", [])]:
            if not module.startswith("lictor"):
                continue
            path = folders[module.split(".")[0]].joinpath(*module.split("."))
            assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), module


def test_no_module_grows_past_500_lines_without_a_reason() -> None:
    for room, package in PACKAGES.items():
        for path in (ROOT / room / package).rglob("*.py"):
            lines = path.read_text().splitlines()
            if len(lines) > 500:
                assert "500 lines" in path.read_text().split('"""')[1], f"{path} has {len(lines)} lines"


def test_log_events_are_named_room_noun_verb() -> None:
    assert [event for event in events() if NAME.fullmatch(event.name) is None] == []


def test_fragments_of_the_changelog_name_their_kind() -> None:
    for path in (ROOT / "changes").glob("*.md"):
        assert path.name == "README.md" or path.name.split(".")[-2] in {"added", "changed", "fixed", "security"}


def test_the_version_is_told_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    from lictor_core.version import LICTOR

    assert project["version"] == LICTOR
