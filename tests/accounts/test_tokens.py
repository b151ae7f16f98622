import string

import pytest

from accounts import tokens

VECTORS = [
    "cbk_7QmX2fLbA9Zt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0QmZWI",
    "cbk_000000000000_000000000000000000000000000000000000000000001eDDr",
    "cbk_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2rsAuN",
    "cbk_PuwRrvTxPdIi_8qDrK1Y4zve5KuRw3VdjX70ftThFUgdwvItOMGoYnnp00gnE6",
]


@pytest.mark.parametrize("text", VECTORS)
def test_a_key_with_the_right_check_characters_is_one(text: str) -> None:
    token = tokens.parse(text)

    assert token == tokens.Token(text[4:16], text)


@pytest.mark.parametrize("text", VECTORS)
def test_one_changed_character_anywhere_is_noticed(text: str) -> None:
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"

        assert tokens.parse(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cbk_",
        VECTORS[0][:-1],
        VECTORS[0] + "0",
        VECTORS[0] + "\n",
        VECTORS[0][:-1] + "\n",
        VECTORS[0].upper(),
        "CBK" + VECTORS[0][3:],
        VECTORS[0].replace("0123", "０123"),
        VECTORS[0].replace("_0123", "-0123"),
        "é" * 66,
    ],
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert tokens.parse(text) is None


def test_the_digest_is_hmac_sha256_of_the_whole_key_under_the_pepper() -> None:
    token = tokens.parse(VECTORS[0])

    assert token is not None
    digest = tokens.digest(token, bytes(range(32)))
    assert digest.hex() == "c6add267fb9fd87e5338ce01124f550b54d572f8673124d7148d7cf251a87dd2"


def test_a_generated_key_parses_and_is_never_the_same_twice() -> None:
    made = [tokens.generate() for _ in range(200)]

    assert all(tokens.parse(token.text) == token for token in made)
    assert len({token.text for token in made}) == len({token.id12 for token in made}) == 200
    assert set("".join(token.id12 for token in made)) == set(string.ascii_letters + string.digits)


def test_a_token_does_not_show_its_text_when_printed() -> None:
    token = tokens.generate()

    assert token.text not in repr(token)
