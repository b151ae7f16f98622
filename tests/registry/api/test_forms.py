"""`format=resolved` and `referenceFormat=qualified`."""

from typing import Any

import pytest

from tests.cast import Api, Member

PART = '{"type":"record","name":"Part","namespace":"n","fields":[{"name":"size","type":"int"}]}'
WHOLE = '{"type":"array","items":"n.Part"}'
WHOLE_RESOLVED = f'{{"type":"array","items":{PART}}}'


def register(api: Api, who: Member, subject: str, text: str, **references: str) -> Any:
    listed = [{"name": name.replace("_", "."), "subject": given, "version": 1} for name, given in references.items()]
    response = api.post(f"/subjects/{subject}/versions", {"schema": text, "references": listed}, as_=who)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture(params=["", ":.emea:"], ids=["default", "emea"])
def context(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def whole(api: Api, owner: Member, context: str) -> Any:
    """part is id 1, whole refers to it and is id 2, all of it in the context."""
    register(api, owner, f"{context}part", PART)
    return register(api, owner, f"{context}whole", WHOLE, n_Part="part")


@pytest.mark.parametrize("form", ["resolved", "RESOLVED", "resolved&format=bad"])
def test_a_resolved_text_has_the_types_of_its_references_in_it(
    api: Api, owner: Member, context: str, whole: Any, form: str
) -> None:
    paths = [
        f"/subjects/{context}whole/versions/1",
        f"/subjects/{context}whole/versions/latest",
        f"/schemas/ids/2?subject={context}",
        f"/schemas/guids/{whole['guid']}",
    ]
    for path in paths:
        stored = api.get(path, as_=owner).json()
        resolved = api.get(f"{path}{'&' if '?' in path else '?'}format={form}", as_=owner).json()
        assert resolved == {**stored, "schema": WHOLE_RESOLVED}
        assert resolved["guid"] == whole["guid"]
    text = api.get(f"/subjects/{context}whole/versions/1/schema?format={form}", as_=owner)
    assert text.content.decode() == WHOLE_RESOLVED
    text = api.get(f"/schemas/ids/2/schema?subject={context}&format={form}", as_=owner)
    assert text.content.decode() == WHOLE_RESOLVED


def test_a_lookup_and_a_registration_answer_with_the_resolved_text(
    api: Api, owner: Member, context: str, whole: Any
) -> None:
    references = [{"name": "n.Part", "subject": "part", "version": 1}]
    body = {"schema": WHOLE, "references": references}

    for path in (f"/subjects/{context}whole", f"/subjects/{context}whole/versions"):
        answer = api.post(f"{path}?format=resolved", body, as_=owner).json()
        assert (answer["schema"], answer["guid"]) == (WHOLE_RESOLVED, whole["guid"])


def test_a_text_without_references_is_its_own_resolved_text(api: Api, owner: Member, context: str, whole: Any) -> None:
    path = f"/subjects/{context}part/versions/1"

    assert api.get(f"{path}?format=resolved", as_=owner).json() == api.get(path, as_=owner).json()


def test_nothing_is_inlined_that_the_caller_may_not_view(
    api: Api, owner: Member, outsider: Member, context: str, whole: Any, hide: Any
) -> None:
    middle = '{"type":"record","name":"Middle","namespace":"n","fields":[{"name":"p","type":"Part"}]}'
    register(api, owner, f"{context}middle", middle, n_Part="part")
    register(api, owner, f"{context}far", '{"type":"map","values":"n.Middle"}', n_Middle="middle")
    hide("part")

    for subject in ("whole", "middle", "far"):
        path = f"/subjects/{context}{subject}/versions/1"
        assert api.get(path, as_=outsider).status_code == 200
        refused = api.get(f"{path}?format=resolved", as_=outsider)
        assert refused.status_code == 403
        assert refused.json()["message"] == f"User is denied operation Read on Subject: {context}{subject}"
        assert api.get(f"{path}?format=resolved", as_=owner).status_code == 200


def test_what_could_not_be_shown_is_not_registered(
    api: Api, owner: Member, outsider: Member, context: str, whole: Any, hide: Any
) -> None:
    middle = '{"type":"record","name":"Middle","namespace":"n","fields":[{"name":"p","type":"Part"}]}'
    register(api, owner, f"{context}middle", middle, n_Part="part")
    hide("part")
    references = [{"name": "n.Middle", "subject": f"{context}middle", "version": 1}]
    body = {"schema": '{"type":"map","values":"n.Middle"}', "references": references}

    refused = api.post(f"/subjects/{context}far/versions?format=resolved", body, as_=outsider)

    assert refused.status_code == 403
    assert refused.json()["message"] == f"User is denied operation Read on Subject: {context}far"
    assert api.get(f"/subjects/{context}far/versions", as_=outsider).status_code == 404
    assert api.post(f"/subjects/{context}far/versions", body, as_=outsider).status_code == 200


def test_qualified_references_say_their_context(api: Api, owner: Member, context: str, whole: Any) -> None:
    expected = [{"name": "n.Part", "subject": f"{context}part", "version": 1}]

    for path in (f"/subjects/{context}whole/versions/1?", f"/schemas/ids/2?subject={context}&"):
        assert api.get(f"{path}referenceFormat=qualified", as_=owner).json()["references"] == expected
        assert api.get(path, as_=owner).json()["references"] == [{**expected[0], "subject": "part"}]


def test_a_reference_that_says_its_context_keeps_it(api: Api, owner: Member) -> None:
    register(api, owner, "part", PART)
    register(api, owner, ":.emea:whole", WHOLE, n_Part=":.:part")

    found = api.get("/subjects/:.emea:whole/versions/1?referenceFormat=qualified", as_=owner).json()

    assert found["references"] == [{"name": "n.Part", "subject": ":.:part", "version": 1}]
