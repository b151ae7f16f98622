"""What counts as the same answer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance import recordings
from tests.conformance.comparing import differences
from tests.servers import MEDIA_TYPE, Answer

SHOWN = {"subject": "tickets", "version": 1, "id": 1, "schema": '"int"', "ts": 1, "deleted": False}


def compared(
    recorded: dict[str, Any], body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> list[str]:
    stored = {"method": "GET", "path": "/subjects", "status": 200, "content_type": MEDIA_TYPE, **recorded}
    text = body if isinstance(body, str) else json.dumps(body)
    answer = Answer(status, {"Content-Type": MEDIA_TYPE, **(headers or {})}, text.encode())
    return differences(recordings.step(stored), answer)


def refusal(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "message": message}


def test_the_same_answer_in_another_order_of_members_agrees() -> None:
    assert compared({"response": SHOWN}, dict(reversed(SHOWN.items()))) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["tickets"], 'body ["tickets"], not ["passes", "tickets"]'),
        (["passes", "badges"], '[1] "badges", not "tickets"'),
        ("no JSON", 'text "no JSON", not ["passes", "tickets"]'),
    ],
)
def test_a_difference_is_named_where_it_is(body: Any, found: str) -> None:
    assert compared({"response": ["passes", "tickets"]}, body) == [found]


def test_a_member_too_few_or_too_many_is_a_difference() -> None:
    assert compared({"response": {"a": 1, "b": 2}}, {"a": 1, "c": 3}) == [".b missing, not 2", ".c 3, not missing"]


def test_true_is_not_one() -> None:
    assert compared({"response": {"a": 1}}, {"a": True}) == [".a true, not 1"]


def test_status_and_content_type_count() -> None:
    assert compared({"response": []}, [], 404) == ["status 404, not 200"]
    assert compared({"response": [], "content_type": "application/json"}, []) == [
        f"Content-Type '{MEDIA_TYPE}', not 'application/json'"
    ]
    assert compared({"response": [], "content_type": None}, []) == []


def test_a_time_has_to_be_there_and_may_be_any() -> None:
    assert compared({"response": SHOWN}, {**SHOWN, "ts": 2}) == []
    assert compared({"response": SHOWN}, {name: SHOWN[name] for name in SHOWN if name != "ts"}) != []


def test_a_parsers_words_do_not_count_but_its_verdict_does() -> None:
    recorded = {"status": 422, "response": refusal(42201, "Invalid schema of type AVRO, details: one")}

    assert compared(recorded, refusal(42201, "Invalid schema of type AVRO, details: another"), 422) == []
    assert compared(recorded, refusal(42202, "Invalid schema of type AVRO, details: one"), 422) != []


def test_other_words_count() -> None:
    recorded = {"status": 404, "response": refusal(40401, "Subject 'tickets' not found.")}

    assert compared(recorded, refusal(40401, "no tickets"), 404) != []


def test_the_path_of_a_tag_counts() -> None:
    text = "java.lang.IllegalArgumentException: No matching path 'hall.Seat' found in the schema"
    recorded = {"status": 422, "response": refusal(42201, text)}

    assert compared(recorded, refusal(42201, "No matching path 'hall.Seat' found in the schema"), 422) == []
    assert compared(recorded, refusal(42201, "No matching path 'hall.Row' found in the schema"), 422) != []


def test_an_id_alone_may_show_any_subject_and_a_subject_none_but_itself() -> None:
    other = {**SHOWN, "subject": "passes", "version": 3, "deleted": True}

    assert compared({"path": "/schemas/ids/1", "response": SHOWN}, other) == []
    assert compared({"path": "/contexts/tour/schemas/ids/1?subject=:.tour:", "response": SHOWN}, other) == []
    assert compared({"path": "/schemas/ids/1?subject=tickets", "response": SHOWN}, other) != []


def test_lists_without_an_order_are_compared_as_sets() -> None:
    assert compared({"path": "/schemas/types", "response": ["JSON", "AVRO"]}, ["AVRO", "JSON"]) == []
    recorded = {"method": "OPTIONS", "response_text": "HEAD, GET", "response_headers": {"Allow": "HEAD,GET"}}
    assert compared(recorded, "GET, HEAD", headers={"Allow": "GET,HEAD"}) == []


def test_a_request_id_is_compared_where_it_is_an_echo() -> None:
    made = {"response": [], "response_headers": {"X-Request-ID": "one"}}

    assert compared(made, [], headers={"X-Request-ID": "two"}) == []
    assert compared({**made, "headers": {"X-Request-ID": "one"}}, [], headers={"X-Request-ID": "two"}) != []
    assert compared(made, []) != []
