"""`tls`, `keygen` and `keyring` of a cluster that does not encrypt."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_DAYS = "Consul makes a CA that ended before it began, which nobody can use"
_EXTRA = "an argument that means nothing is refused, where Consul overlooks it"

SCENARIO = CliScenario(
    "tls",
    "Certificates for agents, and keys.",
    (
        Command("without a command", ("tls",), own_words=True),
        Command("without a command of the CA", ("tls", "ca"), own_words=True),
        Command("without a command of certificates", ("tls", "cert"), own_words=True),
        Command("a certificate before there is a CA", ("tls", "cert", "create", "-client")),
        Command("a CA", ("tls", "ca", "create")),
        Command("a CA is not written over", ("tls", "ca", "create")),
        Command("for whom", ("tls", "cert", "create")),
        Command("not for two", ("tls", "cert", "create", "-server", "-client")),
        Command("for a server", ("tls", "cert", "create", "-server"), own_words=True),
        Command("for a client", ("tls", "cert", "create", "-client")),
        Command("for a second client", ("tls", "cert", "create", "-client")),
        Command("for a command line", ("tls", "cert", "create", "-cli")),
        Command("the node of a client is not named", ("tls", "cert", "create", "-client", "-node=n1")),
        Command("another datacenter", ("tls", "cert", "create", "-client", "-dc=eu", "-days=3")),
        Command("a domain without a CA", ("tls", "cert", "create", "-client", "-domain=other")),
        Command(
            "a domain and a CA of another name",
            (
                "tls", "cert", "create", "-client", "-domain=other", "-ca=consul-agent-ca.pem",
                "-key=consul-agent-ca-key.pem",
            ),
        ),
        Command("a CA that is not there", ("tls", "cert", "create", "-client", "-ca=none.pem")),
        Command("a key that is not there", ("tls", "cert", "create", "-client", "-key=none.pem")),
        Command("a CA that is none", ("tls", "cert", "create", "-client", "-ca=junk.pem"), files={"junk.pem": "x"}),
        Command(
            "names and addresses",
            (
                "tls", "cert", "create", "-client", "-additional-dnsname=a.example", "-additional-dnsname=b.example",
                "-additional-ipaddress=192.0.2.1", "-additional-ipaddress=::1",
            ),
        ),
        Command("an address that is none", ("tls", "cert", "create", "-client", "-additional-ipaddress=x")),
        Command("a certificate of no days", ("tls", "cert", "create", "-client", "-days=0")),
        Command("days that are no number", ("tls", "cert", "create", "-client", "-days=x"), own_words=True),
        Command(
            "a CA with constraints",
            ("tls", "ca", "create", "-domain=tight", "-name-constraint", "-additional-name-constraint=example.com"),
        ),
        Command("a name within them", ("tls", "cert", "create", "-client", "-domain=tight",
                                       "-additional-dnsname=x.example.com")),
        Command("a name outside", ("tls", "cert", "create", "-client", "-domain=tight",
                                   "-additional-dnsname=example.org")),
        Command(
            "a CA of no days",
            ("tls", "ca", "create", "-domain=none", "-days=0"),
            differs={"exit_code": _DAYS, "stdout": _DAYS, "stderr": _DAYS},
        ),
        Command(
            "arguments that mean nothing",
            ("tls", "ca", "create", "-domain=extra", "more"),
            differs={"exit_code": _EXTRA, "stdout": _EXTRA, "stderr": _EXTRA},
        ),
        Command("a key is made", ("keygen",), own_words=True),
        Command("keygen knows no flags", ("keygen", "-x"), own_words=True),
        Command("keyring without anything to do", ("keyring",), own_words=True),
        Command("keyring does one thing", ("keyring", "-list", "-use=x")),
        Command("there is no key", ("keyring", "-list")),
        Command("no key is spoken with", ("keyring", "-list-primary")),
        Command("none in this datacenter", ("keyring", "-list", "-local-only")),
        Command("none can be put in", ("keyring", "-install=abc")),
        Command("none can be used", ("keyring", "-use=abc")),
        Command("none can be removed", ("keyring", "-remove=abc")),
        Command("too many relays", ("keyring", "-list", "-relay-factor=6")),
        Command("relays below none", ("keyring", "-list", "-relay-factor=-1")),
        Command("what is only for lists", ("keyring", "-install=abc", "-local-only")),
        Command("no agent, no keys", ("keyring", "-list"), reachable=False),
    ),
)  # fmt: skip
