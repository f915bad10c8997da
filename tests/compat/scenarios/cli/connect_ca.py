"""`connect ca`: the settings of the certificate authority."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_CA = ("connect", "ca")
_SET = (*_CA, "set-config")
_FILE = (*_SET, "-config-file", "ca.json")


def _written(name: str, text: str, *, own_words: bool = False) -> Command:
    return Command(name, _FILE, files={"ca.json": text}, own_words=own_words)


SCENARIO = CliScenario(
    "connect_ca",
    "The settings of the certificate authority.",
    (
        Command("as they are at first", (*_CA, "get-config")),
        Command("without a file", _SET, own_words=True),
        Command("a file that is not there", (*_SET, "-config-file", "nowhere.json"), own_words=True),
        _written("a file that is no JSON", "Provider = consul"),
        _written("an unknown provider", '{"Provider": "nobody", "Config": {}}'),
        _written("a life that is too short", '{"Provider": "consul", "Config": {"LeafCertTTL": "1m"}}'),
        _written("another life of leaves", '{"Provider": "consul", "Config": {"LeafCertTTL": "24h"}}'),
        Command("as they are then", (*_CA, "get-config")),
        _written(
            "a rate and force",
            '{"Provider": "consul", "Config": {"CSRMaxPerSecond": 100}, "ForceWithoutCrossSigning": true}',
        ),
        Command("as they are at last", (*_CA, "get-config")),
        Command("no such command", (*_CA, "forget"), own_words=True),
    ),
)
