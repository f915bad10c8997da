"""What nobody should send, and what it gets."""

from tests.support.recorder.scenario import Scenario, Step

_PAGES = "there are no pages for people yet: the root says what answers here"
_ROOT: dict[str, str] = {"status": _PAGES, "headers.Content-Type": _PAGES, "headers.Location": _PAGES}
_LARGE = "Lictor bounds every body"

SCENARIO = Scenario(
    "bad_input",
    "Unknown paths, unknown methods, odd bodies.",
    (
        Step("the root leads to the user interface", "GET", "/", differs=_ROOT),
        Step("the root takes HEAD", "HEAD", "/", differs=_ROOT),
        Step("an unknown path", "GET", "/nothing"),
        Step("an unknown version", "GET", "/v2/kv/x"),
        Step("the version alone", "GET", "/v1"),
        Step("the version with a slash", "GET", "/v1/"),
        Step("an unknown endpoint", "GET", "/v1/nothing"),
        Step("an unknown agent endpoint", "GET", "/v1/agent/nothing"),
        Step("an unknown catalog endpoint", "GET", "/v1/catalog/nothing"),
        Step("an unknown health endpoint", "PUT", "/v1/health/nothing"),
        Step("kv without a slash", "GET", "/v1/kv"),
        Step("a trailing slash where none belongs", "GET", "/v1/catalog/nodes/"),
        Step("two slashes", "GET", "/v1//kv/x"),
        Step("dots in a path", "GET", "/v1/catalog/../kv/x"),
        Step("a path in capitals", "GET", "/V1/KV/x"),
        Step("a method nobody knows", "BREW", "/v1/kv/x"),
        Step("a method nobody knows on a list", "BREW", "/v1/catalog/nodes"),
        Step("PATCH of the agent", "PATCH", "/v1/agent/services"),
        Step("DELETE of the leader", "DELETE", "/v1/status/leader"),
        Step("a control character in a key", "PUT", "/v1/kv/a%01b", b"x"),
        Step(
            "a key that is no UTF-8",
            "PUT",
            "/v1/kv/%FF%FE",
            b"x",
        ),
        Step("a key that is no UTF-8 is listed", "GET", "/v1/kv/?keys"),
        Step("a line end in a path", "GET", "/v1/kv/a%0d%0aX-Evil:1"),
        Step(
            "bytes that are no UTF-8 for JSON",
            "PUT",
            "/v1/catalog/register",
            b'{"Node": "\xff\xfe", "Address": "192.0.2.1"}',
        ),
        Step("a NUL in a name", "PUT", "/v1/agent/service/register", {"Name": "nul\u0000"}),
        Step("deep JSON", "PUT", "/v1/agent/service/register", b'{"Name":' + b"[" * 2000 + b"]" * 2000 + b"}"),
        Step("a JSON string", "PUT", "/v1/catalog/register", b'"text"'),
        Step("a JSON number", "PUT", "/v1/catalog/register", b"7"),
        Step("a JSON null", "PUT", "/v1/catalog/register", b"null"),
        Step("a member twice", "PUT", "/v1/agent/service/register", b'{"Name":"one","Name":"two"}'),
        Step("the last member counts", "GET", "/v1/agent/services"),
        Step("members in another case", "PUT", "/v1/agent/service/register", b'{"nAmE":"cased","pOrT":5}'),
        Step("case does not matter in names of members", "GET", "/v1/agent/service/cased"),
        Step(
            "a form instead of JSON",
            "PUT",
            "/v1/agent/service/register",
            b"Name=web",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
        Step(
            "a content type does not matter",
            "PUT",
            "/v1/agent/service/register",
            b'{"Name":"typed"}',
            headers={"Content-Type": "text/plain"},
        ),
        Step(
            "a large registration",
            "PUT",
            "/v1/agent/service/register",
            b" " * 2_000_000 + b'{"Name": "large"}',
            differs={"status": _LARGE, "headers": _LARGE, "content": _LARGE, "body": _LARGE},
        ),
        Step("a body sent with GET is ignored", "GET", "/v1/catalog/datacenters", b'{"x":1}'),
        Step("the agent still answers", "GET", "/v1/status/leader"),
    ),
)
