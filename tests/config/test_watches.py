"""`watches` of a configuration: the sound ones, and every flaw with its place."""

from __future__ import annotations

from lictor_config.presets import DEV
from lictor_config.reading import Reader
from lictor_config.relations import flaws
from lictor_config.schema import read_configuration
from lictor_config.watches import WATCHES_MAX, read_watches
from lictor_core.records import JsonObject
from lictor_core.watching import ScriptHandler, WatchKind

SOUND: JsonObject = {"type": "key", "key": "a", "args": ["/bin/true"]}


def test_sound_watches_are_read_and_every_flaw_has_its_place() -> None:
    found, wrong = read_watches([SOUND, {"type": "key", "args": ["x"]}, {"type": "nodes"}])
    assert [(one.watch.kind, one.handler) for one in found] == [
        (WatchKind.KEY, ScriptHandler(arguments=("/bin/true",)))
    ]
    assert [flaw.partition(":")[0] for flaw in wrong] == ["watches[1]", "watches[2]"]


def test_watches_are_bounded() -> None:
    found, wrong = read_watches([SOUND] * (WATCHES_MAX + 1))
    assert len(found) == WATCHES_MAX
    assert wrong == ("there are 1025 watches: at most 1024 are taken",)


def test_a_configuration_with_a_wrong_watch_is_refused() -> None:
    configuration = read_configuration(Reader({"watches": [SOUND, {"type": "bogus", "args": ["x"]}]}), DEV)
    assert "watches[1]: Unsupported watch type: bogus" in flaws(configuration)
