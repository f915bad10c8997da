"""Views that stand before another one."""

from __future__ import annotations

from lictor_dns.noting import Noted, noting, showing_one
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

WEB = [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(3)]
CATALOG = PlainCatalog([*WEB, make_instance(make_service("db"), make_node("n9", "10.0.0.9"))])


def test_the_first_service_that_is_asked_for_is_noted() -> None:
    noted = Noted()
    view = noting(CATALOG, noted)
    assert len(view.service_health("WEB")) == 3
    assert len(view.service_health("db")) == 1
    assert list(noted.instances) == WEB


def test_what_else_is_asked_goes_on_as_it_is() -> None:
    view = noting(CATALOG, Noted())
    assert view.node("n9") == CATALOG.node("n9")
    assert (view.version, view.age_s) == (CATALOG.version, CATALOG.age_s)


def test_one_instance_is_shown_of_that_service_and_all_of_others() -> None:
    noted = Noted()
    noting(CATALOG, noted).service_health("web")
    view = showing_one(CATALOG, noted, WEB[1])
    assert list(view.service_health("Web")) == [WEB[1]]
    assert len(view.service_health("db")) == 1
    assert view.service_health("web", connect=True) == []
