"""`connect expose`: a service behind an ingress gateway."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_EXPOSE = ("connect", "expose")
_EDGE = (*_EXPOSE, "-ingress-gateway=edge")
_WEB = (*_EDGE, "-service=web")
_HTTP = (*_WEB, "-port=8080", "-protocol=http")
_READ = ("config", "read", "-kind", "ingress-gateway", "-name", "edge")
_SAME = "what is so already is not written again, as Consul's own document says"

SCENARIO = CliScenario(
    "connect",
    "Services behind an ingress gateway.",
    (
        Command("without a service", (*_EDGE, "-port=1"), own_words=True),
        Command("without a gateway", (*_EXPOSE, "-service=web", "-port=1"), own_words=True),
        Command("without a port", _WEB, own_words=True),
        Command("at port 0", (*_WEB, "-port=0"), own_words=True),
        Command("at a port that is none", (*_WEB, "-port=http"), own_words=True),
        Command("in a namespace", (*_EDGE, "-service=other/web", "-port=1"), own_words=True),
        Command("in two namespaces", (*_EDGE, "-service=a/b/web", "-port=1"), own_words=True),
        Command("over TCP", (*_WEB, "-port=8888")),
        Command("read it", _READ),
        Command("once more", (*_WEB, "-port=8888"), differs={"stdout": _SAME}),
        Command("its intention", ("intention", "match", "-source", "edge")),
        Command("a second service on a port of TCP", (*_EDGE, "-service=db", "-port=8888")),
        Command("another protocol on the port", (*_WEB, "-port=8888", "-protocol=http"), own_words=True),
        Command("HTTP for what speaks TCP", _HTTP),
        Command(
            "HTTP from now on",
            ("config", "write", "-"),
            stdin='Kind = "service-defaults"\nName = "api"\nProtocol = "http"',
        ),
        Command("with hosts", (*_EDGE, "-service=api", "-port=80", "-protocol=http", "-host=a.test", "-host=b.test")),
        Command("with another host", (*_EDGE, "-service=api", "-port=80", "-protocol=http", "-host=c.test")),
        Command("with none", (*_EDGE, "-service=api", "-port=80", "-protocol=http")),
        Command("all services of a port", (*_EDGE, "-service=*", "-port=81", "-protocol=HTTP")),
        Command("read all", _READ),
        Command("hosts over TCP", (*_EDGE, "-service=db", "-port=82", "-host=a.test")),
        Command("a protocol that is none", (*_EDGE, "-service=db", "-port=83", "-protocol=smoke")),
        Command("deny", ("intention", "create", "-deny", "edge", "cache")),
        Command("what is denied", (*_EDGE, "-service=cache", "-port=84")),
        Command("all intentions", ("intention", "match", "-source", "edge")),
    ),
)
