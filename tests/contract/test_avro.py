"""Section 5.1, without references and deletion: ids, versions, lists, lookups, levels, configs."""

import pytest

from tests.contract.calls import INT, STRING, Registry, dumped, field, record
from tests.contract.marking import row

pytestmark = pytest.mark.usefixtures("none")
BAD_DEFAULT = record("Badge", field("holder", default=None))
GUID_OF_STRING = "095d71cf-1255-6b9d-5e33-0ad575b3df5d"


def numbered(number: int) -> str:
    return record("Ticket", field(f"seat{number}"))


def fill(registry: Registry, subject: str, numbers: range) -> list[int]:
    return [registry.register(subject, numbered(number)) for number in numbers]


@row("5.1", 1)
def test_an_unknown_subject_has_no_versions(registry: Registry) -> None:
    assert registry.error("GET", "/subjects/tickets/versions") == 40401


@row("5.1", 2)
def test_an_empty_registry_has_the_default_context_and_no_subject(registry: Registry) -> None:
    assert registry.get("/contexts") == ["."]
    assert registry.get("/contexts?limit=1&offset=0") == ["."]
    assert registry.get("/contexts?limit=1&offset=1") == []
    assert registry.get("/subjects") == []


@row("5.1", 3)
def test_ids_go_on_from_subject_to_subject_and_versions_start_anew(registry: Registry) -> None:
    assert fill(registry, "tickets", range(10)) == list(range(1, 11))
    assert fill(registry, "passes", range(10, 15)) == list(range(11, 16))

    assert registry.versions("tickets") == list(range(1, 11))
    assert registry.versions("passes") == [1, 2, 3, 4, 5]


@row("5.1", 4)
def test_what_was_registered_is_read_by_id_at_once(registry: Registry) -> None:
    registry.register("tickets", numbered(1))

    assert registry.get("/schemas/ids/1")["schema"] == numbered(1)


@row("5.1", 5)
def test_registering_again_gives_each_old_id(registry: Registry) -> None:
    first = fill(registry, "tickets", range(4))

    assert fill(registry, "tickets", range(4)) == first
    assert registry.versions("tickets") == [1, 2, 3, 4]


@row("5.1", 6)
def test_subjects_are_listed_in_order_and_by_page(registry: Registry) -> None:
    for subject in ("passes", "badges", "tickets"):
        registry.register(subject, INT)

    assert registry.get("/subjects") == ["badges", "passes", "tickets"]
    assert registry.get("/subjects?offset=1&limit=1") == ["passes"]
    assert registry.get("/subjects?offset=1") == ["passes", "tickets"]


@row("5.1", 7)
def test_latest_only_lists_each_subject_once(registry: Registry) -> None:
    fill(registry, "tickets", range(10))
    fill(registry, "passes", range(10, 15))

    listed = registry.get("/schemas?latestOnly=true")

    assert [(entry["subject"], entry["version"]) for entry in listed] == [("passes", 5), ("tickets", 10)]


@row("5.1", 8)
def test_an_id_is_answered_with_its_time_and_not_as_deleted(registry: Registry) -> None:
    registry.register("tickets", INT)

    answer = registry.get("/schemas/ids/1")

    assert answer["ts"] > 0
    assert answer["deleted"] is False


@row("5.1", 9)
def test_a_guid_leads_to_the_schema_and_to_its_id(registry: Registry) -> None:
    guid = registry.registered("tickets", STRING)["guid"]

    assert guid == GUID_OF_STRING
    assert registry.get(f"/schemas/guids/{guid}")["guid"] == guid
    assert registry.get(f"/schemas/guids/{guid}/ids") == [{"context": ".", "id": 1}]


@row("5.1", 10)
def test_one_schema_in_two_subjects_has_one_id(registry: Registry) -> None:
    assert registry.register("tickets", numbered(1)) == registry.register("passes", numbered(1))


@row("5.1", 11)
def test_a_default_that_does_not_fit_is_refused_by_check_and_registration(registry: Registry) -> None:
    registry.register("badges", INT)

    check = registry.error("POST", "/compatibility/subjects/badges/versions/latest", {"schema": BAD_DEFAULT})

    assert check == 42201
    assert registry.refuse("badges", BAD_DEFAULT) == 42201


@row("5.1", 12)
def test_an_unknown_type_is_refused_in_the_words_of_the_parser(registry: Registry) -> None:
    text = record("Badge", field("holder", "nobody"))

    refusal = registry.refusal("POST", "/subjects/badges/versions", {"schema": text})

    assert refusal["error_code"] == 42201
    assert "nobody" in refusal["message"].partition("details:")[2]


@row("5.1", 16)
def test_a_context_has_ids_of_its_own(registry: Registry) -> None:
    registry.register("passes", INT)
    first = registry.registered("tickets", STRING)
    second = registry.registered(":.tour:tickets", STRING)

    assert (first["id"], second["id"]) == (2, 1)
    assert first["guid"] == second["guid"]
    assert registry.get("/subjects?subjectPrefix=") == ["passes", "tickets"]
    assert registry.get("/subjects?subjectPrefix=:.tour:") == [":.tour:tickets"]
    assert [entry["subject"] for entry in registry.get("/schemas")] == ["passes", "tickets"]
    [listed] = registry.get("/schemas?subjectPrefix=:.tour:")
    assert (listed["subject"], listed["id"]) == (":.tour:tickets", 1)
    assert listed["ts"] > 0


@row("5.1", 22)
def test_a_check_leaves_no_version_behind(registry: Registry) -> None:
    registry.register("tickets", numbered(1))

    registry.fits("tickets", numbered(2))
    registry.fits("tickets", numbered(2), "")

    assert registry.versions("tickets") == [1]


@row("5.1", 23)
def test_another_type_of_a_field_is_not_fully_compatible(registry: Registry) -> None:
    registry.level("FULL")
    registry.register("tickets", record("Ticket", field("seat")))

    assert not registry.fits("tickets", record("Ticket", field("seat", "int")), 1)


@row("5.1", 24)
def test_a_schema_may_fit_the_latest_version_and_not_all_of_them(registry: Registry) -> None:
    registry.level("FORWARD_TRANSITIVE")
    registry.register("tickets", record("Ticket", field("seat", default="")))
    registry.register("tickets", record("Ticket"))
    candidate = record("Ticket", field("seat", "int"))

    assert registry.fits("tickets", candidate)
    assert not registry.fits("tickets", candidate, "")
    refusal = registry.refusal("POST", "/subjects/tickets/versions", {"schema": candidate})
    assert refusal["error_code"] == 40901
    assert all(word in refusal["message"] for word in ("oldSchemaVersion:", "oldSchema:", "compatibility:"))


@row("5.1", 25)
def test_an_unknown_format_is_no_format(registry: Registry) -> None:
    registry.register("tickets", numbered(1))

    assert registry.get("/schemas/ids/1?format=papyrus")["schema"] == numbered(1)


@row("5.1", 26)
def test_versions_of_two_subjects_are_independent(registry: Registry) -> None:
    fill(registry, "tickets", range(2))
    answer = registry.registered("passes", numbered(1))

    assert (answer["id"], answer["version"]) == (2, 1)
    assert registry.versions("passes") == [1]


@row("5.1", 27)
def test_the_level_of_the_server_holds_until_another_is_set(registry: Registry) -> None:
    assert registry.get("/config") == {"compatibilityLevel": "NONE"}

    registry.level("FORWARD")

    assert registry.get("/config") == {"compatibilityLevel": "FORWARD"}


@row("5.1", 28)
def test_a_config_needs_no_subject(registry: Registry) -> None:
    assert registry.level("FULL", "tickets") == {"compatibility": "FULL"}

    assert registry.get("/config/tickets") == {"compatibilityLevel": "FULL"}


@row("5.1", 29)
def test_the_config_of_a_subject_is_its_own(registry: Registry) -> None:
    registry.level("FORWARD")
    registry.level("BACKWARD", "tickets")
    assert registry.get("/config") == {"compatibilityLevel": "FORWARD"}

    registry.delete("/config/tickets")

    assert registry.get("/config/tickets?defaultToGlobal=true") == {"compatibilityLevel": "FORWARD"}


@row("5.1", 30)
def test_without_a_config_the_level_is_that_of_the_server(registry: Registry) -> None:
    registry.level("FULL")

    assert registry.delete("/config") == {"compatibilityLevel": "FULL"}

    assert registry.get("/config") == {"compatibilityLevel": "NONE"}


@row("5.1", 31)
def test_the_default_context_is_the_top_level_of_configs_and_modes(registry: Registry) -> None:
    assert registry.level("FULL", ":.:") == {"compatibility": "FULL"}
    assert registry.get("/config") == registry.get("/config/:.:") == {"compatibilityLevel": "FULL"}
    registry.delete("/config/:.:")
    assert registry.get("/config/:.:") == {"compatibilityLevel": "NONE"}

    assert registry.mode("IMPORT", ":.:") == {"mode": "IMPORT"}
    assert registry.mode("READONLY", ":.:") == {"mode": "READONLY"}
    assert registry.get("/mode") == registry.get("/mode/:.:") == {"mode": "READONLY"}
    assert registry.delete("/mode/:.:") == {"mode": "READONLY"}
    assert registry.get("/mode/:.:") == {"mode": "READWRITE"}


@row("5.1", 32)
def test_an_unknown_id_leads_nowhere(registry: Registry) -> None:
    assert registry.error("GET", "/schemas/ids/404") == 40403


@row("5.1", 33)
def test_the_highest_id_is_told_when_asked_for(registry: Registry) -> None:
    fill(registry, "tickets", range(3))

    assert "maxId" not in registry.get("/schemas/ids/1")
    assert registry.get("/schemas/ids/1?fetchMaxId=true")["maxId"] == 3


@row("5.1", 34)
def test_the_types_are_those_that_are_implemented(registry: Registry) -> None:
    assert set(registry.get("/schemas/types")) == {"AVRO"}


@row("5.1", 35)
def test_a_version_that_is_not_there(registry: Registry) -> None:
    registry.register("tickets", INT)

    assert registry.error("GET", "/subjects/passes/versions/1") == 40401
    assert registry.error("GET", "/subjects/tickets/versions/7") == 40402
    assert registry.error("GET", "/subjects/tickets/versions/0") == 42202


@row("5.1", 36)
@pytest.mark.parametrize("control", ["%0D", "%0A", "%09"])
def test_control_characters_make_no_subject(registry: Registry, control: str) -> None:
    assert registry.refuse(f"tick{control}ets", INT) == 42208


@row("5.1", 37)
def test_an_asterisk_is_a_subject(registry: Registry) -> None:
    assert registry.register("*", INT) == 1


@row("5.1", 38)
def test_versions_are_read_by_number_and_as_latest(registry: Registry) -> None:
    fill(registry, "tickets", range(1, 3))

    texts = [registry.get(f"/subjects/tickets/versions/{version}")["schema"] for version in (1, 2, "latest")]

    assert texts == [numbered(1), numbered(2), numbered(2)]


@row("5.1", 39)
def test_an_id_gives_its_text_alone(registry: Registry) -> None:
    union = dumped(["null", "string"])
    registry.register("tickets", numbered(1))
    registry.register("tickets", union)

    assert registry.text("/schemas/ids/1/schema") == numbered(1)
    assert registry.text("/schemas/ids/2/schema") == union


@row("5.1", 40)
def test_a_version_gives_its_text_alone(registry: Registry) -> None:
    registry.register("tickets", numbered(1))

    assert registry.text("/subjects/tickets/versions/latest/schema") == numbered(1)
    assert registry.text("/subjects/tickets/versions/1/schema") == numbered(1)


@row("5.1", 52)
def test_a_lookup_tells_an_unknown_subject_from_an_unknown_schema(registry: Registry) -> None:
    assert registry.missing("tickets", numbered(1)) == 40401

    registry.register("tickets", numbered(1))

    assert registry.missing("tickets", numbered(2)) == 40403


@row("5.1", 53)
def test_an_id_lists_its_subjects(registry: Registry) -> None:
    for subject in ("passes", "tickets"):
        registry.register(subject, INT)
    assert registry.get("/schemas/ids/1/subjects") == ["passes", "tickets"]
    assert registry.get("/schemas/ids/1/subjects?offset=1&limit=1") == ["tickets"]

    registry.delete("/subjects/passes")

    assert registry.get("/schemas/ids/1/subjects") == ["tickets"]
    assert registry.get("/schemas/ids/1/subjects?deleted=true") == ["passes", "tickets"]
    assert registry.error("GET", "/schemas/ids/9/subjects") == 40403


@row("5.1", 54)
def test_an_id_lists_its_versions(registry: Registry) -> None:
    in_passes, in_tickets = {"subject": "passes", "version": 1}, {"subject": "tickets", "version": 2}
    registry.register("tickets", STRING)
    registry.register("passes", INT)
    registry.register("tickets", INT)
    assert registry.get("/schemas/ids/2/versions") == [in_passes, in_tickets]
    assert registry.get("/schemas/ids/2/versions?offset=1&limit=1") == [in_tickets]

    registry.delete("/subjects/passes")

    assert registry.get("/schemas/ids/2/versions") == [in_tickets]
    assert registry.get("/schemas/ids/2/versions?deleted=true") == [in_passes, in_tickets]
    assert registry.error("GET", "/schemas/ids/9/versions") == 40403


@row("5.1", 55)
def test_everything_fits_a_subject_that_is_not_there(registry: Registry) -> None:
    assert registry.fits("tickets", INT)
    assert registry.fits("tickets", INT, "")


@row("5.1", 56)
def test_a_check_against_a_version_that_is_not_there(registry: Registry) -> None:
    registry.register("tickets", INT)
    path = "/compatibility/subjects/tickets/versions"

    assert registry.error("POST", f"{path}/100", {"schema": INT}) == 40402
    assert registry.error("POST", f"{path}/earliest", {"schema": INT}) == 42202


@row("5.1", 57)
def test_an_unknown_subject_has_no_config(registry: Registry) -> None:
    assert registry.error("GET", "/config/tickets") == 40408


@row("5.1", 58)
def test_blanks_do_not_make_another_schema(registry: Registry) -> None:
    spaced = '{ \n "type" :\t"string"  }'

    assert registry.register("tickets", spaced) == registry.register("tickets", spaced) == 1
    assert registry.lookup("tickets", spaced)["id"] == 1
