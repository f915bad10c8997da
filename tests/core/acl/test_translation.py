from lictor_core.acl.translation import translated

_NEW = """agent_prefix "" {
  policy = "read"
}

service_prefix "web" {
  policy = "write"

  intentions = "read"
}

service_prefix "db" {
  policy = "read"
}

operator = "read\""""


def test_names_of_the_older_rules_become_prefixes() -> None:
    tree: dict[str, object] = {
        "agent": {"": {"policy": "read"}},
        "service": [{"web": {"policy": "write", "intentions": "read"}}, {"db": {"policy": "read"}}],
        "operator": "read",
    }

    assert translated(tree) == _NEW


def test_what_stands_in_a_block_stays_there() -> None:
    tree: dict[str, object] = {"key": {"a": {"policy": "write", "sentinel": {"code": 'x"'}}}}

    assert translated(tree) == ('key_prefix "a" {\n  policy = "write"\n\n  sentinel {\n    code = "x\\""\n  }\n}')


def test_what_is_not_known_keeps_its_name() -> None:
    assert translated({"foo": {"x": {"policy": "read"}}}) == 'foo "x" {\n  policy = "read"\n}'
