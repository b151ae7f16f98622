"""Section 5.6: contexts in names, in prefixes and before a path, and aliases of subjects."""

import pytest

from tests.contract.calls import INT, STRING, Registry, dumped, field, record
from tests.contract.marking import row

pytestmark = pytest.mark.usefixtures("none")
TICKET = record("Ticket", field("seat"))
PASS = record("Pass", field("gate"))
FLOAT = dumped("float")


@row("5.6", 1)
def test_each_context_counts_from_one(registry: Registry) -> None:
    for context in (":.tour:", ":.archive:", ":.home:"):
        assert [registry.register(f"{context}tickets", text) for text in (TICKET, PASS)] == [1, 2]

    assert registry.get("/contexts") == [".", ".archive", ".home", ".tour"]


@pytest.fixture
def everywhere(none: None, registry: Registry) -> None:
    """tickets and passes in the default context, tickets on tour and at home."""
    for subject in ("tickets", "passes", ":.tour:tickets", ":.home:tickets"):
        registry.register(subject, TICKET)


@row("5.6", 2)
def test_a_prefix_names_a_context_or_all(registry: Registry, everywhere: None) -> None:
    assert registry.get("/subjects?subjectPrefix=:.tour:") == [":.tour:tickets"]
    assert registry.get("/subjects?subjectPrefix=") == ["passes", "tickets"]
    assert registry.get("/subjects?subjectPrefix=:*:") == [":.home:tickets", ":.tour:tickets", "passes", "tickets"]


@row("5.6", 3)
def test_schemas_are_listed_over_all_contexts(registry: Registry, everywhere: None) -> None:
    assert len(registry.get("/schemas?subjectPrefix=:*:")) == 4
    named = registry.get("/schemas?subjectPrefix=:*:tickets")
    assert [entry["subject"] for entry in named] == [":.home:tickets", ":.tour:tickets", "tickets"]


@row("5.6", 4)
def test_a_name_alone_is_found_in_a_context(registry: Registry) -> None:
    registry.register("passes", PASS)
    registry.register(":.tour:tickets", TICKET)

    assert registry.get("/subjects/tickets/versions/1")["subject"] == ":.tour:tickets"
    assert registry.lookup("tickets", TICKET)["subject"] == ":.tour:tickets"


@row("5.6", 5)
def test_a_context_before_the_path_is_a_registry_of_its_own(registry: Registry) -> None:
    at = "/contexts/.tour"
    registry.register("passes", PASS)
    assert registry.error("GET", f"{at}/subjects/tickets/versions/1") == 40401

    made = [registry.post(f"{at}/subjects/tickets/versions", {"schema": TICKET})["id"] for _ in range(2)]

    assert made == [1, 1]
    assert registry.get(f"{at}/subjects/tickets/versions/1")["subject"] == ":.tour:tickets"
    assert registry.get(f"{at}/schemas/ids/1")["schema"] == TICKET
    assert registry.get(f"{at}/subjects") == [":.tour:tickets"]
    assert registry.get(f"{at}/contexts") == [".", ".tour"]


@row("5.6", 6)
def test_subjects_of_one_context_share_its_ids(registry: Registry) -> None:
    subjects = [":.tour:boxes", ":.tour:passes", ":.tour:tickets"]

    assert [registry.register(subject, text) for subject in subjects for text in (TICKET, PASS)] == [1, 2] * 3

    assert registry.get("/schemas/ids/1/subjects?subject=:.tour:") == subjects


@row("5.6", 7)
def test_the_default_context_has_a_name_too(registry: Registry) -> None:
    registry.register(":.tour:tickets", TICKET)
    assert registry.error("GET", "/contexts/:.:/schemas/ids/1") == 40403

    registry.post("/contexts/:.:/subjects/passes/versions", {"schema": PASS})

    assert registry.get("/contexts/:.:/schemas/ids/1")["schema"] == PASS
    assert registry.get("/subjects/:.:passes/versions/1")["subject"] == "passes"


@row("5.6", 8)
def test_a_subject_alone_picks_the_context_that_has_the_id(registry: Registry) -> None:
    registry.register("passes", INT)
    registry.register(":.tour:passes", STRING)
    registry.register(":.tour:tickets", FLOAT)

    texts = [registry.text(f"/schemas/ids/{number}/schema?subject=passes") for number in (1, 1)]

    assert texts == [INT, INT]
    assert registry.get("/schemas/ids/2?subject=tickets")["subject"] == ":.tour:tickets"


@row("5.6", 9)
def test_a_context_is_deleted_when_it_is_empty(registry: Registry) -> None:
    at = "/contexts/.tour"
    registry.register(":.tour:tickets", TICKET)
    registry.register(":.tour:passes", PASS)
    assert registry.delete(f"{at}/subjects/tickets") == [1]
    assert registry.error("GET", f"{at}/subjects/tickets/versions/1") == 40401
    assert registry.error("DELETE", at) == 42211

    registry.delete(f"{at}/subjects/tickets?permanent=true")
    registry.delete(f"{at}/subjects/passes")
    registry.delete(f"{at}/subjects/passes?permanent=true")

    gone = registry.answer("DELETE", at)
    assert (gone.status_code, gone.content) == (204, b"")
    assert registry.get("/contexts") == ["."]


@row("5.6", 10)
@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("contextPrefix=.t", [".tour", ".tower"]),
        ("contextPrefix=.tour", [".tour"]),
        ("contextPrefix=.", [".", ".home", ".tour", ".tower"]),
        ("contextPrefix=.x", []),
        ("contextPrefix=", [".", ".home", ".tour", ".tower"]),
        ("", [".", ".home", ".tour", ".tower"]),
        ("contextPrefix=.T", []),
        ("contextPrefix=.t&limit=1", [".tour"]),
        ("contextPrefix=.t&offset=1&limit=5", [".tower"]),
    ],
)
def test_contexts_are_listed_by_prefix_and_page(registry: Registry, query: str, listed: list[str]) -> None:
    for context in ("tower", "tour", "home"):
        registry.register(f":.{context}:tickets", INT)

    assert registry.get(f"/contexts?{query}") == listed


@row("5.6", 11)
@pytest.mark.parametrize("context", [".tour", "tour", ":.tour:", "%3A.tour%3A"])
def test_a_context_before_the_path_may_be_written_in_several_ways(registry: Registry, context: str) -> None:
    registry.register(":.tour:tickets", TICKET)

    assert registry.get(f"/contexts/{context}/subjects") == [":.tour:tickets"]
    assert registry.get(f"/contexts/{context}/subjects/tickets/versions") == [1]


@row("5.6", 11)
def test_a_context_before_the_path_goes_into_names_prefixes_and_subjects(registry: Registry) -> None:
    at = "/contexts/.tour"
    registry.register("passes", PASS)
    registry.register(":.tour:a%2Fb", TICKET)
    registry.register(":.home:tickets", INT)

    assert registry.get(f"{at}/subjects/a%2Fb/versions/1")["subject"] == ":.tour:a/b"
    assert registry.get(f"{at}/subjects/:.home:tickets/versions/1")["schema"] == INT
    assert registry.get(f"{at}/subjects?subjectPrefix=a") == [":.tour:a/b"]
    assert [entry["subject"] for entry in registry.get(f"{at}/schemas")] == [":.tour:a/b"]
    assert registry.get(f"{at}/schemas/ids/1?subject=a%2Fb")["subject"] == ":.tour:a/b"
    assert registry.get(f"{at}/schemas/ids/1/subjects") == [":.tour:a/b"]


@row("5.6", 11)
def test_a_context_before_the_path_goes_into_configs_and_modes(registry: Registry) -> None:
    at = "/contexts/.tour"
    registry.put(f"{at}/config", {"compatibility": "FULL"})
    registry.put(f"{at}/config/tickets", {"compatibility": "FORWARD"})
    registry.put(f"{at}/mode", {"mode": "READONLY"})
    registry.put(f"{at}/mode/tickets", {"mode": "READWRITE"})

    assert registry.get("/config/:.tour:") == registry.get(f"{at}/config") == {"compatibilityLevel": "FULL"}
    assert registry.get("/config/:.tour:tickets") == {"compatibilityLevel": "FORWARD"}
    assert registry.get("/mode/:.tour:") == registry.get(f"{at}/mode") == {"mode": "READONLY"}
    assert registry.get("/mode/:.tour:tickets") == {"mode": "READWRITE"}
    assert registry.get("/config") == {"compatibilityLevel": "NONE"}
    assert registry.get("/mode") == {"mode": "READWRITE"}


@row("5.6", 11)
@pytest.mark.parametrize("subject", ["subjects", "contexts"])
def test_a_subject_may_be_called_like_a_part_of_a_path(registry: Registry, subject: str) -> None:
    registry.post(f"/contexts/.tour/subjects/{subject}/versions", {"schema": TICKET})

    assert registry.get("/subjects?subjectPrefix=:.tour:") == [f":.tour:{subject}"]


@row("5.6", 11)
def test_of_two_contexts_before_a_path_the_last_one_counts(registry: Registry) -> None:
    registry.register(":.tour:tickets", TICKET)

    assert registry.get("/contexts/.home/contexts/.tour/subjects/tickets/versions") == [1]


@row("5.6", 11)
def test_what_no_context_can_stand_before(registry: Registry) -> None:
    assert registry.error("GET", "/contexts/.tour/other/config/tickets") == 404
    refusal = registry.refusal("GET", "/contexts/to:ur/subjects")
    assert refusal == {"error_code": 400, "message": "Context name 'to:ur' cannot contain a colon"}


@row("5.6", 12)
@pytest.mark.parametrize(("alias", "target"), [("billets", "tickets"), ("fr%2Fbillets", "tickets"), ("billets", "a/b")])
def test_an_alias_is_replaced_in_paths_and_subjects(registry: Registry, alias: str, target: str) -> None:
    registry.register(target.replace("/", "%2F"), TICKET)
    registry.put(f"/config/{alias}", {"alias": target})

    assert registry.get(f"/subjects/{alias}/versions/latest")["subject"] == target
    assert registry.lookup(alias, TICKET)["subject"] == target
    assert registry.get(f"/schemas/ids/1?subject={alias}")["subject"] == target
    assert registry.get(f"/config/{alias}")["alias"] == target
    assert registry.error("GET", f"/mode/{alias}") == 40409
    assert registry.error("GET", "/subjects/entradas/versions/latest") == 40401
