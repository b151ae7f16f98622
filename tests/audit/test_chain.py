"""The spelling of events and the arithmetic of the chain, against fixed vectors."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from audit import chain

ROWS = [
    (
        '{"action":"subject.registered","actor":{"kind":"person","ref":"p1"},"at":"2026-01-02T03:04:05.000006Z",'
        '"auth":"oidc","detail":{"id":1,"version":1},"object":{"kind":"subject","ref":":.:orders-value"},'
        '"pii":{"email":"ef78302830e9be566d56ce08e9a293dad6cc28c0e988f1c413cb8d41af29e962"},'
        '"salt":"00000000000000000000000000000000","v":1}',
        "6ef92da03bbef08f425ff81cf1c684c6f0492223727fe85a5fc3b50da75d4e9e",
        "8f28a191b20fbff58800ddaf80ad579a5d3f3c9999446aa20abd7b11703e4631",
    ),
    (
        '{"action":"compatibility.changed","actor":{"kind":"service","ref":"s1"},"at":"2026-01-02T03:04:06.000000Z",'
        '"auth":"api_key","cred":"7QmX2fLbA9Zt","detail":{"after":null,"before":"BACKWARD"},'
        '"object":{"kind":"subject","ref":":.:zahlungen-ü\\u0000\\"x"},"salt":"11111111111111111111111111111111","v":1}',
        "c60a66779a474d6ce4bd1fab397d0745ada839d016ca45ba3a780d4f8df41b33",
        "bb93e895329f7bcc22ca2995edc7d0c16b8b892ccc005a0f47d35085a258b490",
    ),
    (
        '{"action":"grant.removed","actor":{"kind":"system","ref":"scheduler"},"at":"2026-01-02T03:04:07.120000Z",'
        '"auth":"none","detail":{"group":"idp:team-orders","perms":["register","view"]},'
        '"object":{"kind":"scope","ref":":.:orders-"},"salt":"22222222222222222222222222222222","v":1}',
        "39110a1eb20eb61b75b59b8baf9aaa7e1a2c6c42dd18a165f862d982d187ce9d",
        "d2d5671a4c3a6b4283da9000dd8ef7a41f3e988d212db495adf526607cecb2b7",
    ),
]


@pytest.mark.parametrize(("payload", "digest", "_"), ROWS)
def test_a_payload_has_the_digest_of_its_text(payload: str, digest: str, _: str) -> None:
    assert chain.digest(payload).hex() == digest


def test_each_hash_follows_from_the_one_before() -> None:
    hashes = [chain.FIRST_PREV]

    for seq, (_, digest, _) in enumerate(ROWS, start=1):
        hashes.append(chain.link(hashes[-1], seq, bytes.fromhex(digest)))

    assert [each.hex() for each in hashes[1:]] == [expected for _, _, expected in ROWS]


@pytest.mark.parametrize("payload", [row[0] for row in ROWS])
def test_a_payload_is_written_as_it_was_read(payload: str) -> None:
    assert chain.payload(json.loads(payload)) == payload


def test_personal_data_is_committed_to_with_its_salt() -> None:
    commitment = chain.commitment(bytes(range(16)), "alice@corp.test")

    assert commitment == json.loads(ROWS[0][0])["pii"]["email"]


def test_members_are_sorted_and_nothing_is_escaped_that_need_not_be() -> None:
    text = chain.payload({"b": [True, None, 2**53 - 1], "ä": "é\u2028", "a": {"z": (), "y": "\0"}})

    assert text == '{"a":{"y":"\\u0000","z":[]},"b":[true,null,9007199254740991],"ä":"é\u2028"}'


def test_texts_are_not_normalized() -> None:
    assert chain.payload({"name": "e\u0301"}) != chain.payload({"name": "\u00e9"})


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        b"bytes",
        {1: "number as a name"},
        {"set"},
        datetime(2026, 1, 2, tzinfo=UTC),
        "\ud800",
    ],
    ids=repr,
)
def test_what_has_no_single_spelling_is_refused(value: object) -> None:
    with pytest.raises(chain.NotCanonical):
        chain.payload({"detail": {"list": [value]}})


def test_times_are_utc_with_microseconds() -> None:
    at = datetime(2026, 1, 2, 5, 4, 6, tzinfo=timezone(timedelta(hours=2)))

    assert chain.time_text(at) == "2026-01-02T03:04:06.000000Z"


def test_the_copies_repeat_the_payload() -> None:
    copies = chain.copies(json.loads(ROWS[1][0]))

    assert copies == {
        "at": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        "action": "compatibility.changed",
        "actor_kind": "service",
        "actor_ref": "s1",
        "auth_method": "api_key",
        "credential_id": "7QmX2fLbA9Zt",
        "request_id": "",
        "object_kind": "subject",
        # No database text holds a NUL on both databases.
        "object_ref": ':.:zahlungen-ü\ufffd"x',
        "schema_version": 1,
    }
