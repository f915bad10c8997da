"""Go's flag syntax on click's commands."""

import click
import pytest

from lictor.cli.flags import GIVEN_FLAGS, GoCommand, ValueKind, flag, key_value, option


@click.command(cls=GoCommand)
@option("-name", "A name.")
@option("-number", "A number.", kind=ValueKind.WHOLE)
@option("-tag", "A tag.", multiple=True)
@option("-meta", "A pair.", multiple=True, callback=key_value)
@flag("-ui", "A switch.")
@option("-n", "A number with a short name.", kind=ValueKind.WHOLE)
def command(
    args: tuple[str, ...], name: str, number: int, tag: tuple[str, ...], meta: dict[str, str], ui: bool, n: int
) -> dict[str, object]:
    return {"args": args, "name": name, "number": number, "tag": tag, "meta": meta, "ui": ui, "n": n}


NOTHING: dict[str, object] = {"args": (), "name": "", "number": 0, "tag": (), "meta": {}, "ui": False, "n": 0}

# arguments, and what differs from nothing
READ: list[tuple[list[str], dict[str, object]]] = [
    ([], {}),
    (["-name", "x"], {"name": "x"}),
    (["--name", "x"], {"name": "x"}),
    (["-name=x"], {"name": "x"}),
    (["--name=x=y"], {"name": "x=y"}),
    (["-name="], {"name": ""}),
    (["-name", "-ui"], {"name": "-ui"}),
    (["-name", "a", "-name", "b"], {"name": "b"}),
    (["-ui"], {"ui": True}),
    (["-ui=false"], {"ui": False}),
    (["-ui=T", "x"], {"ui": True, "args": ("x",)}),
    (["-ui", "false"], {"ui": True, "args": ("false",)}),
    (["-number", "0x10"], {"number": 16}),
    (["-n", "2", "x"], {"n": 2, "args": ("x",)}),
    (["-n=2", "x"], {"n": 2, "args": ("x",)}),
    (["--n=3"], {"n": 3}),
    (["-tag", "a", "-tag=b"], {"tag": ("a", "b")}),
    (["-meta", "a=b", "-meta=c=d=e"], {"meta": {"a": "b", "c": "d=e"}}),
    (["x", "-ui"], {"args": ("x", "-ui")}),
    (["--", "-ui"], {"args": ("-ui",)}),
    (["-"], {"args": ("-",)}),
    (["-ui", "--", "--", "x"], {"ui": True, "args": ("--", "x")}),
    (["x", "-5"], {"args": ("x", "-5")}),
    (["x", "--"], {"args": ("x", "--")}),
]
REFUSED: list[tuple[list[str], str]] = [
    (["-bogus"], "there is no flag -bogus"),
    (["-nmae=x"], "there is no flag -nmae, did you mean -name?"),
    (["-tags", "a"], "there is no flag -tags, did you mean -tag?"),
    (["---name", "x"], "there is no flag"),
    (["-name"], "flag -name needs a value"),
    (["-ui=maybe"], 'must be true or false, not "maybe"'),
    (["-number=x"], 'must be a whole number from 0, not "x"'),
    (["-number", "-1"], 'must be a whole number from 0, not "-1"'),
    (["-meta", "a"], '"a" is not of the form key=value'),
    (["-=x"], "there is no flag"),
]


@pytest.mark.parametrize(("arguments", "differing"), READ)
def test_flags_are_read_as_go_reads_them(arguments: list[str], differing: dict[str, object]) -> None:
    assert command.main(arguments, standalone_mode=False) == NOTHING | differing


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_other_flags_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        command.main(arguments, standalone_mode=False)
    assert message in caught.value.message


@pytest.mark.parametrize("word", ["-h", "-help", "--h", "--help"])
def test_help_is_printed_on_request_and_is_no_failure(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([word], prog_name="try", standalone_mode=False) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Usage: try [options]\n")
    assert "  -name=<value>      A name.\n" in printed
    assert "  -ui                A switch.\n" in printed


def test_the_order_of_flags_is_kept() -> None:
    with command.make_context("try", ["-tag=a", "-name", "x", "-tag", "b"]) as context:
        assert context.meta[GIVEN_FLAGS] == (("tag", "a"), ("name", "x"), ("tag", "b"))
