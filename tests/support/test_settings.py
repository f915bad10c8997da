"""The page of all keys."""

from lictor_config.keys import keys
from tests.support.settings import page


def test_the_page_has_each_key_with_its_flag_and_whether_it_can_be_reloaded() -> None:
    rows = page().splitlines()
    assert "| `ports.http` | whole number | `-http-port` |  | the HTTP API |" in rows
    assert "| `acl_token` | text |  | yes | as `acl.tokens.default` |" in rows
    assert sum(row.startswith("| `") for row in rows) == sum(spec.kind != "section" for spec in keys().values())
