"""The next step after a refusal."""

import pytest

from lictor.api.errors import AgentError
from lictor.cli.hints import refusal


@pytest.mark.parametrize(
    ("status", "reason", "step"),
    [
        (500, "No cluster leader", ": see that a majority of the servers run"),
        (500, "No path to datacenter", ": `lictor catalog datacenters` lists those that are known"),
        (400, "Client sent an HTTP request to an HTTPS server.", ": write https:// in front of the address"),
        (401, "ACL support disabled", ": set acl.enabled in the configuration of servers and agents to use tokens"),
        (401, "", ": give a token with -token, -token-file or LICTOR_HTTP_TOKEN"),
        (
            403,
            "Permission denied: ACL bootstrap no longer allowed (reset index: 11)",
            ": use a token that there is; where all are lost, write 11 to the file acl-bootstrap-reset in the leader's "
            "data directory, and try again",
        ),
        (
            403,
            "ACL not found",
            ": the token that was sent is none, or has ended; `lictor acl token list` shows those there are",
        ),
        (403, "Permission denied", ": give a token that may do this with -token, -token-file or LICTOR_HTTP_TOKEN"),
        (500, 'invalid session "x"', ": make one with PUT /v1/session/create, or let `lictor lock` do it"),
        (400, "index error: UUID must be 36 characters", ": give the whole id, or the names"),
        (413, "too large", ": send less at once, or raise the limit in the agent's configuration"),
        (429, "busy", ": the agent is busy; try again in a moment"),
        (500, "something else", ""),
        (404, "", ""),
    ],
)
def test_a_refusal_names_the_next_step(status: int, reason: str, step: str) -> None:
    told = f"Unexpected response code: {status}" + (f" ({reason})" if reason else "")
    assert refusal(AgentError(status, reason), may_be_stale=False) == told + step


_LACKS = "Permission denied: token with AccessorID 'a-1' lacks permission"
_EXPLAIN = "lictor acl explain -token-accessor=a-1"


@pytest.mark.parametrize(
    ("lacking", "asked"),
    [
        ("'service:write' on \"web\"; nearest rule: x", "-resource=service:web -access=write"),
        ("'operator:read'; no rule speaks of it", "-resource=operator -access=read"),
        ("'key:read' on \"a b;c\"; nearest rule: x", "-resource='key:a b;c' -access=read"),
    ],
)
def test_who_lacks_a_permission_is_told_how_to_have_it_explained(lacking: str, asked: str) -> None:
    told = refusal(AgentError(403, f"{_LACKS} {lacking}"), may_be_stale=False)
    assert told.endswith(f"or give another; `{_EXPLAIN} {asked}` shows all rules")


def test_stale_is_offered_where_it_would_be_taken() -> None:
    error = AgentError(500, "No cluster leader")
    assert refusal(error, may_be_stale=True).endswith("; -stale asks this agent's own server meanwhile")


def test_a_page_is_not_printed() -> None:
    error = AgentError(404, "<!DOCTYPE HTML>\n<html>...")
    assert refusal(error, may_be_stale=False) == (
        "Unexpected response code: 404 (a page): no agent answers there, but another program"
    )


def test_a_long_reason_is_cut() -> None:
    assert len(refusal(AgentError(500, "x" * 1_000_000), may_be_stale=False)) < 2_100
