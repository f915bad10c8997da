from lictor_server.acl.keys import names_left
from tests.server.acl.world import judge_of

_KEYS = ["a/x/1", "a/x/2", "a/y", "b"]


def test_a_folder_is_there_for_who_sees_something_in_it() -> None:
    judge = judge_of('key "a/x/2" { policy = "read" } key "b" { policy = "read" }')

    assert names_left(judge, _KEYS, "", "") == ["a/x/2", "b"]
    assert names_left(judge, _KEYS, "", "/") == ["a/", "b"]
    assert names_left(judge, _KEYS[:3], "a/", "/") == ["a/x/"]
    assert names_left(judge, _KEYS[:3], "a/", "/1") == ["a/x/2"]
