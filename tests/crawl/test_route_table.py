"""Every route and method of the server stands in one table, and the table says what is true."""

from config import permissions
from registry import names
from registry.api.own_urls import ROUTES
from registry.api.urls import VIEWS
from registry.permissions import OWN_TABLE, TABLE
from tests.routes import methods, routes


def served() -> set[tuple[str, str]]:
    everywhere = {(pattern.name or path, method) for pattern, path in routes() for method in methods(pattern.callback)}
    registry = {(view.route, method) for view in VIEWS for method in methods(view.as_view())}
    return registry | {where for where in everywhere if where[0] != "registry"}


def test_every_method_of_every_route_has_its_entry_and_every_entry_its_route() -> None:
    assert served() == permissions.TABLE.keys()


def test_no_two_routes_share_a_name() -> None:
    named = [pattern.name for pattern, _ in routes()] + list(names.ROUTES)

    assert len(set(named)) == len(named)


def test_the_tables_that_the_edge_reads_are_part_of_it() -> None:
    assert {view.route for view in ROUTES.values()} == {route for route, _ in OWN_TABLE} - {"own_document"}
    assert TABLE.keys() | OWN_TABLE.keys() <= permissions.TABLE.keys()
