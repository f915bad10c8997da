"""`validate`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_EARLY = "Consul notices an invalid check only when the agent starts"

SCENARIO = CliScenario(
    "validate",
    "Configuration files checked before an agent starts.",
    (
        Command(
            "a good file",
            ("validate", "good.json"),
            files={"good.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "node_name": "n"}'},
        ),
        Command(
            "a good HCL file",
            ("validate", "good.hcl"),
            files={"good.hcl": 'data_dir = "data"\nbind_addr = "127.0.0.1"\nports { http = 8501 }\n'},
        ),
        Command(
            "a directory of files",
            ("validate", "conf.d"),
            files={
                "conf.d/a.json": '{"data_dir": "data", "bind_addr": "127.0.0.1"}',
                "conf.d/b.hcl": 'service { name = "web" port = 80 }\n',
                "conf.d/ignored.txt": "not read",
            },
        ),
        Command(
            "empty files",
            ("validate", "empty.d"),
            files={
                "empty.d/a.json": '{"data_dir": "data", "bind_addr": "127.0.0.1"}',
                "empty.d/b.json": "",
                "empty.d/c.hcl": "",
            },
        ),
        Command(
            "a JSON file with the end of a line alone",
            ("validate", "line.json"),
            files={"line.json": "\n"},
            own_words=True,
        ),
        Command(
            "keys in capitals, and values in lists of one",
            ("validate", "capitals.json"),
            files={"capitals.json": '{"DATA_DIR": "data", "Bind_Addr": ["127.0.0.1"], "Ports": [{"HTTP": 8501}]}'},
        ),
        Command(
            "a template of addresses",
            ("validate", "template.hcl"),
            files={
                "template.hcl": 'data_dir = "data" bind_addr = "127.0.0.1"\n'
                'client_addr = "{{ GetAllInterfaces | include `network` `127.0.0.0/8` | attr `address` }}"\n'
            },
        ),
        Command(
            "a template with a mistake",
            ("validate", "mistake.hcl"),
            files={"mistake.hcl": 'data_dir = "data" bind_addr = "127.0.0.1" client_addr = "{{ GetPrivateIp }}"'},
            own_words=True,
        ),
        Command(
            "a key without its underscore",
            ("validate", "underscore.json"),
            files={"underscore.json": '{"datadir": "data", "bind_addr": "127.0.0.1"}'},
            own_words=True,
        ),
        Command(
            "a number as text",
            ("validate", "number.json"),
            files={"number.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "ports": {"http": "8500"}}'},
            own_words=True,
        ),
        Command("quietly", ("validate", "-quiet", "good.json")),
        Command("malformed JSON", ("validate", "bad.json"), files={"bad.json": '{"data_dir": '}, own_words=True),
        Command("malformed HCL", ("validate", "bad.hcl"), files={"bad.hcl": "data_dir = = 1\n"}, own_words=True),
        Command(
            "an unknown key",
            ("validate", "unknown.json"),
            files={"unknown.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "colour": "red"}'},
            own_words=True,
        ),
        Command(
            "a wrong type",
            ("validate", "type.json"),
            files={"type.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "ports": {"http": "many"}}'},
            own_words=True,
        ),
        Command(
            "no data directory",
            ("validate", "nodata.json"),
            files={"nodata.json": '{"bind_addr": "127.0.0.1"}'},
            own_words=True,
        ),
        Command(
            "a bad duration",
            ("validate", "duration.json"),
            files={
                "duration.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "dns_config": {"node_ttl": "soon"}}'
            },
            own_words=True,
        ),
        Command(
            "bootstrap without server",
            ("validate", "relation.json"),
            files={"relation.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "bootstrap": true}'},
            own_words=True,
        ),
        Command(
            "a datacenter with a space",
            ("validate", "datacenter.json"),
            files={"datacenter.json": '{"data_dir": "data", "bind_addr": "127.0.0.1", "datacenter": "d c"}'},
            own_words=True,
        ),
        Command(
            "a service with an invalid check",
            ("validate", "check.json"),
            files={
                "check.json": '{"data_dir": "data", "bind_addr": "127.0.0.1",'
                ' "service": {"name": "web", "check": {"tcp": "127.0.0.1:1"}}}'
            },
            own_words=True,
            differs={"exit_code": _EARLY, "stdout": _EARLY, "stderr": _EARLY},
        ),
        Command("a file that is not there", ("validate", "none.json"), own_words=True),
        Command("an unknown kind of file", ("validate", "good.txt"), files={"good.txt": "{}"}, own_words=True),
        Command(
            "a kind of file given",
            ("validate", "-config-format=json", "good.conf"),
            files={"good.conf": '{"data_dir": "data", "bind_addr": "127.0.0.1"}'},
        ),
        Command("nothing to validate", ("validate",), own_words=True),
    ),
)
