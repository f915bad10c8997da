"""The scripts for shells, and the files of a user that hold them."""

from pathlib import Path

import pytest

from lictor.cli.errors import CommandError
from lictor.cli.shells import install, script, uninstall
from tests.client.conftest import Command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_the_program_with_its_quotes(shell: str, lonely_command: Command) -> None:
    assert "'/opt/my programs/lictor'" in script(shell, "/opt/my programs/lictor")
    assert lonely_command("completion", shell).stdout == script(shell)


def test_a_shell_without_a_script_is_told(lonely_command: Command) -> None:
    refused = lonely_command("completion", "tcsh")
    assert (refused.exit_code, "name one of bash, zsh, fish" in refused.stderr) == (1, True)
    assert lonely_command("completion").exit_code == 1


def test_what_is_installed_is_taken_out_again_and_nothing_else(tmp_path: Path) -> None:
    before = {".bashrc": "export A=1", ".zshrc": "setopt x\n"}
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    (tmp_path / ".config" / "fish").mkdir(parents=True)
    environment = {"HOME": str(tmp_path)}
    fish = tmp_path / ".config" / "fish" / "completions" / "lictor.fish"
    assert install(environment, "/bin/lictor") == [tmp_path / ".bashrc", tmp_path / ".zshrc", fish]
    assert script("bash", "/bin/lictor") in (tmp_path / ".bashrc").read_text()
    assert script("zsh", "/bin/lictor") in (tmp_path / ".zshrc").read_text()
    assert script("fish", "/bin/lictor") in fish.read_text()
    with pytest.raises(CommandError, match="already installed in"):
        install(environment, "/bin/lictor")
    (tmp_path / ".zshrc").write_text((tmp_path / ".zshrc").read_text() + "later\n")
    assert len(uninstall(environment)) == 3
    assert (tmp_path / ".bashrc").read_text() == "export A=1\n"
    assert (tmp_path / ".zshrc").read_text() == "setopt x\nlater\n"
    assert not fish.exists()
    with pytest.raises(CommandError, match="not installed"):
        uninstall(environment)


def test_a_home_without_shells_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="`lictor completion bash` prints what to put there"):
        install({"HOME": str(tmp_path)}, "lictor")


def test_bash_without_its_usual_file_has_its_other_one(tmp_path: Path) -> None:
    (tmp_path / ".bash_profile").touch()
    assert install({"HOME": str(tmp_path)}, "lictor") == [tmp_path / ".bash_profile"]


def test_the_flags_of_the_program_do_both(
    lonely_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert lonely_command("-autocomplete-install").exit_code == 1
    (tmp_path / ".bashrc").write_text("x\n")
    assert str(tmp_path / ".bashrc") in lonely_command("-autocomplete-install").stdout
    assert lonely_command("-autocomplete-install").exit_code == 1
    assert lonely_command("--autocomplete-uninstall").exit_code == 0
    assert (tmp_path / ".bashrc").read_text() == "x\n"
    assert lonely_command("-autocomplete-uninstall").exit_code == 1
