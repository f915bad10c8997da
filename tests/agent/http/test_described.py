"""What is said of endpoints is kept beside them, and costs a request nothing."""

from __future__ import annotations

from functools import wraps

from lictor_agent.http.described import BLOCKING, CACHED, DC, Reply, described, description_of
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.site import Site


async def _bare(site: Site, request: Request) -> Answer:
    raise AssertionError("nobody asks it")


def test_the_endpoint_itself_comes_back() -> None:
    async def endpoint(site: Site, request: Request) -> Answer:
        raise AssertionError("nobody asks it")

    assert described(str, DC)(endpoint) is endpoint


def test_an_endpoint_of_which_nothing_is_said_has_no_description() -> None:
    assert description_of(_bare) is None


def test_a_wrapped_endpoint_has_the_description_of_what_it_wraps() -> None:
    @described(str, DC)
    async def endpoint(site: Site, request: Request) -> Answer:
        raise AssertionError("nobody asks it")

    @wraps(endpoint)
    async def wrapper(site: Site, request: Request) -> Answer:
        return await endpoint(site, request)

    said = description_of(wrapper)
    assert said is not None
    assert said.parameters == (DC,)


def test_other_statuses_are_texts_unless_said_otherwise() -> None:
    @described(str, also={404: "gone", 429: Reply("slow", int)})
    async def endpoint(site: Site, request: Request) -> Answer:
        raise AssertionError("nobody asks it")

    said = description_of(endpoint)
    assert said is not None
    assert said.replies[404] == Reply("gone", str, ("text/plain",))
    assert said.replies[429] == Reply("slow", int)


def test_who_takes_an_index_blocks() -> None:
    @described(str, *BLOCKING)
    async def waits(site: Site, request: Request) -> Answer:
        raise AssertionError("nobody asks it")

    @described(str, CACHED)
    async def answers(site: Site, request: Request) -> Answer:
        raise AssertionError("nobody asks it")

    told = [description_of(one) for one in (waits, answers)]
    assert [one is not None and one.blocks for one in told] == [True, False]
