"""What makes shells ask this program for completions: their scripts, and the files of a user that hold them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lictor.cli.errors import CommandError

__all__ = ["install", "script", "uninstall"]

_BEGIN: Final = "# >>> completion of lictor >>>"
_END: Final = "# <<< completion of lictor <<<"

_BASH: Final = "complete -o nospace -o default -o bashdefault -C {program} lictor\n"
_ZSH: Final = """\
_lictor() {{
  local -a found whole
  found=("${{(@f)$(COMP_LINE="${{(j: :)${{(@)words[1,CURRENT]}}}}" {program} 2>/dev/null)}}")
  found=("${{(@)found:#}}")
  if (( ! $#found )); then
    _files
    return
  fi
  whole=("${{(@)found:#*[=/]}}")
  found=("${{(@M)found:#*[=/]}}")
  compadd -- "${{(@)whole}}"
  compadd -S '' -- "${{(@)found}}"
}}
if (( $+functions[compdef] )) || autoload -U compinit && compinit -i; then compdef _lictor lictor; fi
"""
_FISH: Final = """\
function __lictor_complete
    set -l found (env COMP_LINE=(commandline -cp) {program} 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c lictor -f -a '(__lictor_complete)'
"""
_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str, program: str = "lictor") -> str:
    """The script for a shell that asks `program`. Raises `CommandError` for a shell that has none."""
    if shell not in _SCRIPTS:
        raise CommandError(f"there is no script for the shell {shell!r}: name one of {', '.join(_SCRIPTS)}")
    return _SCRIPTS[shell].format(program=shlex.quote(program))


def install(environment: Mapping[str, str], program: str) -> list[Path]:
    """Put the scripts where this user's shells read them; the files that were changed. Raises `CommandError`."""
    places = list(_places(environment))
    if not places:
        raise CommandError(
            "no settings of a shell that is known are in your home: `lictor completion bash` prints what to put there"
        )
    there = [file for _, file in places if _BEGIN in _text(file)]
    if there:
        raise CommandError(f"already installed in {', '.join(map(str, there))}")
    for shell, file in places:
        text = _text(file)
        apart = "" if not text or text.endswith("\n") else "\n"
        _write(file, f"{text}{apart}{_BEGIN}\n{script(shell, program)}{_END}\n")
    return [file for _, file in places]


def uninstall(environment: Mapping[str, str]) -> list[Path]:
    """Take them out again; the files that were changed. Raises `CommandError`."""
    found = [file for _, file in _places(environment) if _BEGIN in _text(file)]
    if not found:
        raise CommandError("it is not installed: there is nothing to take out")
    for file in found:
        before, _, rest = _text(file).partition(f"{_BEGIN}\n")
        _, _, after = rest.partition(f"{_END}\n")
        if before or after:
            _write(file, before + after)
        else:
            file.unlink()
    return found


def _places(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Where the settings of the shells are that this user has."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    for shell, name in (("bash", ".bashrc"), ("bash", ".bash_profile"), ("zsh", ".zshrc")):
        if (home / name).is_file() and not (name == ".bash_profile" and (home / ".bashrc").is_file()):
            yield shell, home / name
    fish = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "fish"
    if fish.is_dir():
        yield "fish", fish / "completions" / "lictor.fish"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
