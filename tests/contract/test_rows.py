"""No row of the contract without a test, and no test for a row that is none."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.contract.rows import ELSEWHERE, ROWS, WITHOUT_TEST
from tests.environment import CHECKOUT

HERE = Path(__file__).parent
ALL = {(section, number) for section, rows in ROWS.items() for number in rows}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def marked() -> set[tuple[str, int | str]]:
    decorators = (each for path in HERE.glob("test_*.py") for test in functions(path) for each in test.decorator_list)
    calls = (each for each in decorators if isinstance(each, ast.Call) and ast.unparse(each.func) == "row")
    return {ast.literal_eval(ast.Tuple(call.args, ast.Load())) for call in calls}


def test_every_row_has_a_test_or_a_reason() -> None:
    assert sorted(map(str, ALL - marked() - set(ELSEWHERE) - set(WITHOUT_TEST))) == []


def test_every_mark_is_that_of_a_row() -> None:
    assert sorted(map(str, (marked() | set(ELSEWHERE)) - ALL)) == []


def test_what_has_a_test_needs_no_reason() -> None:
    assert (marked() | set(ELSEWHERE)) & set(WITHOUT_TEST) == set()


def test_the_tests_elsewhere_are_there() -> None:
    for node_id in ELSEWHERE.values():
        path, _, name = node_id.partition("::")

        assert name in {test.name for test in functions(CHECKOUT / path)}, node_id
