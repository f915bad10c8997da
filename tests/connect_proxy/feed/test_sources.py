"""How each question waits for its next change."""

from collections.abc import Mapping

import pytest

from lictor_connect_proxy.feed.asking import Answer
from lictor_connect_proxy.feed.needs import InstancesOf, RegistrationOf, Roots, RulesOf
from lictor_connect_proxy.snapshot import Policy
from lictor_core.errors import LictorError


class Asked:
    """An agent that gives prepared answers or errors in order and remembers the questions."""

    wait_s = 60.0
    settled_s = 15.0

    def __init__(self, *answers: Answer | LictorError) -> None:
        self.questions: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self._answers = list(answers)

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, *, wait_s: float = 0.0) -> Answer:
        assert (wait_s > 0) or not {"index", "hash"} & set(parameters or {})
        self.questions.append((path, dict(parameters or {})))
        answer = self._answers.pop(0)
        if isinstance(answer, LictorError):
            raise answer
        return answer

    async def post(
        self, path: str, parameters: Mapping[str, str] | None = None, body: bytes = b"", *, wait_s: float = 0.0
    ) -> Answer:
        self.bodies.append(body)
        return await self.get(path, parameters, wait_s=wait_s)


ROOTS = b'{"TrustDomain": "x.consul", "Roots": [{"RootCert": "pem"}]}'


@pytest.mark.parametrize(
    ("before", "header", "after"),
    [
        ("", "7", "7"),
        ("7", "8", "8"),
        ("7", "7", "7"),
        ("7", "6", ""),
        ("7", "0", ""),
        ("7", "", ""),
        ("7", "-1", ""),
        ("7", "x", ""),
        ("", "99999999999999999999", "99999999999999999999"),
    ],
)
async def test_an_index_that_goes_backwards_or_is_none_is_forgotten(before: str, header: str, after: str) -> None:
    agent = Asked(Answer(ROOTS, {"x-consul-index": header}))
    fetched = await Roots().ask(agent, before)
    assert fetched.cursor == after
    waiting = {"index": before, "wait": "60s"} if before else {}
    assert agent.questions == [("/v1/agent/connect/ca/roots", waiting)]


async def test_a_registration_waits_by_hash() -> None:
    body = b'{"Kind": "connect-proxy", "Proxy": {"DestinationServiceName": "web"}}'
    agent = Asked(Answer(body, {"x-consul-contenthash": "abc"}))
    fetched = await RegistrationOf("a/b").ask(agent, "old")
    assert fetched.cursor == "abc"
    assert agent.questions == [("/v1/agent/service/a%2Fb", {"hash": "old", "wait": "60s"})]


async def test_instances_are_asked_for_in_their_datacenter() -> None:
    agent = Asked(Answer(b"[]", {"x-consul-index": "3"}))
    await InstancesOf("db", "dc2").ask(agent, "")
    assert agent.questions == [("/v1/health/connect/db", {"dc": "dc2"})]


async def test_intentions_wait_by_their_own_index_where_there_is_one() -> None:
    agent = Asked(*[Answer(b'{"db": []}', {"x-consul-index": index}) for index in ("5", "6")])
    source = RulesOf("db").ask
    first = await source(agent, "")
    assert (first.value, first.cursor) == (Policy(rules=(), index=5), "match:5")
    assert (await source(agent, first.cursor)).cursor == "match:6"
    assert [question.get("index") for _, question in agent.questions] == [None, "5"]


async def test_intentions_without_an_index_wait_by_the_list_and_are_read_after_it() -> None:
    match, listed = Answer(b'{"db": []}', {}), Answer(b"[]", {"x-consul-index": "5"})
    agent = Asked(match, listed, match, listed, match)
    source = RulesOf("db").ask
    first = await source(agent, "")
    assert first.cursor == "list:5"
    await source(agent, first.cursor)
    paths = [path.rpartition("/")[2] for path, _ in agent.questions]
    assert paths == ["match", "intentions", "match", "intentions", "match"]
    assert agent.questions[3][1] == {"index": "5", "wait": "60s"}
