"""`config read|write|delete|list`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_HCL = """
Kind     = "service-defaults"
Name     = "web"
Protocol = "http"
MeshGateway { Mode = "local" }
"""
_ROUTER = """
kind = "service-router"
name = "web"
routes = [
  {
    match { http { path_prefix = "/admin" } }
    destination { service = "web" request_timeout = "5s" }
  },
  { destination { num_retries = 3 } },
]
"""
_PROXIES = """
Kind = "proxy-defaults"
Name = "global"
Config { protocol = "http" local_connect_timeout_ms = 1000 nested { a = "b" } }
"""

SCENARIO = CliScenario(
    "config",
    "Configuration entries on the command line.",
    (
        Command("list of none", ("config", "list", "-kind", "service-defaults")),
        Command("list without a kind", ("config", "list"), own_words=True),
        Command("list of an unknown kind", ("config", "list", "-kind", "bogus")),
        Command("read of nothing", ("config", "read", "-kind", "service-defaults", "-name", "web")),
        Command("read without a kind", ("config", "read", "-name", "web"), own_words=True),
        Command("read without a name", ("config", "read", "-kind", "service-defaults"), own_words=True),
        Command("write from HCL", ("config", "write", "web.hcl"), files={"web.hcl": _HCL}),
        Command("read it", ("config", "read", "-kind", "service-defaults", "-name", "web")),
        Command("write from standard input", ("config", "write", "-"), stdin=_PROXIES),
        Command("read what came from standard input", ("config", "read", "-kind", "proxy-defaults", "-name", "global")),
        Command("write blocks in lists", ("config", "write", "router.hcl"), files={"router.hcl": _ROUTER}),
        Command("read the blocks", ("config", "read", "-kind", "service-router", "-name", "web")),
        Command(
            "write from JSON",
            ("config", "write", "db.json"),
            files={"db.json": '{"Kind": "service-resolver", "Name": "db", "ConnectTimeout": "1500ms"}'},
        ),
        Command("read from JSON", ("config", "read", "-kind", "service-resolver", "-name", "db")),
        Command("list", ("config", "list", "-kind", "service-resolver")),
        Command("write without a file", ("config", "write"), own_words=True),
        Command("write of a file that is not there", ("config", "write", "nowhere.hcl")),
        Command("write of two files", ("config", "write", "a.hcl", "b.hcl"), own_words=True),
        Command("write of what is no HCL", ("config", "write", "-"), stdin="Kind = "),
        Command("write of nothing", ("config", "write", "-"), stdin=""),
        Command("write without a kind", ("config", "write", "-"), stdin='Name = "web"'),
        Command("write of an unknown kind", ("config", "write", "-"), stdin='Kind = "bogus"\nName = "web"'),
        Command("write of an unknown key", ("config", "write", "-"), stdin='Kind = "service-defaults"\nBogus = 1'),
        Command(
            "write of a wrong type",
            ("config", "write", "-"),
            stdin='Kind = "service-resolver"\nName = "web"\nConnectTimeout = "soon"',
        ),
        Command(
            "write of what is refused",
            ("config", "write", "-"),
            stdin='Kind = "service-splitter"\nName = "web"\nSplits = [{ Weight = 50 }]',
        ),
        Command(
            "write over nothing",
            ("config", "write", "-cas", "new.hcl"),
            files={"new.hcl": 'Kind = "service-defaults"\nName = "new"'},
        ),
        Command(
            "write over something",
            ("config", "write", "-cas", "-modify-index", "0", "new.hcl"),
            files={"new.hcl": 'Kind = "service-defaults"\nName = "new"'},
        ),
        Command(
            "write over an index that was never",
            ("config", "write", "-cas", "-modify-index", "7777", "new.hcl"),
            files={"new.hcl": 'Kind = "service-defaults"\nName = "new"'},
        ),
        Command(
            "an index without cas",
            ("config", "write", "-modify-index", "7777", "new.hcl"),
            files={"new.hcl": 'Kind = "service-defaults"\nName = "new"'},
        ),
        Command(
            "an index that is none",
            ("config", "write", "-cas", "-modify-index", "x", "new.hcl"),
            own_words=True,
            files={"new.hcl": 'Kind = "service-defaults"\nName = "new"'},
        ),
        Command("delete", ("config", "delete", "-kind", "service-resolver", "-name", "db")),
        Command("delete of nothing", ("config", "delete", "-kind", "service-resolver", "-name", "db")),
        Command("delete what others need", ("config", "delete", "-kind", "service-defaults", "-name", "web")),
        Command("delete of an unknown kind", ("config", "delete", "-kind", "bogus", "-name", "db")),
        Command("delete without a kind", ("config", "delete", "-name", "web"), own_words=True),
        Command("delete without a name", ("config", "delete", "-kind", "service-defaults"), own_words=True),
        Command("list with arguments", ("config", "list", "-kind", "service-defaults", "more")),
        Command("config alone", ("config",), own_words=True),
        Command("list of an agent that is not there", ("config", "list", "-kind", "mesh"), reachable=False),
    ),
)
