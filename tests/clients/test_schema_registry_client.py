"""`python-schema-registry-client`, unmodified."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from schema_registry.client import SchemaRegistryClient
from schema_registry.client.errors import ClientError
from schema_registry.client.schema import AvroSchema
from schema_registry.serializers.message_serializer import AvroMessageSerializer

from tests.servers import Server

USER: dict[str, Any] = {
    "type": "record",
    "name": "User",
    "namespace": "shop",
    "fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "int"}],
}
USER_WITH_NOTE = USER | {"fields": [*USER["fields"], {"name": "note", "type": ["null", "string"], "default": None}]}
USER_WITH_CITY = USER | {"fields": [*USER["fields"], {"name": "city", "type": "string"}]}


@pytest.fixture
def client(server: Server, producer_key: str) -> Iterator[Any]:
    user = producer_key.removeprefix("cbk_")[:12]
    yield SchemaRegistryClient(server.url, auth=httpx.BasicAuth(user, producer_key))


def test_a_message_comes_back_as_it_was_sent(server: Server, producer_key: str, client: Any, topic: str) -> None:
    message = {"name": "Ada", "age": 36}

    payload = AvroMessageSerializer(client).encode_record_with_schema(f"{topic}-value", AvroSchema(USER), message)

    # httpx.Auth() adds nothing. Without it the client sends Basic with an empty user, over the header it was given.
    reader = SchemaRegistryClient(
        server.url, extra_headers={"Authorization": f"Bearer {producer_key}"}, auth=httpx.Auth()
    )
    assert AvroMessageSerializer(reader).decode_message(payload) == message


def test_versions_are_listed_and_found(client: Any, topic: str) -> None:
    first = client.register(topic, AvroSchema(USER))
    second = client.register(topic, AvroSchema(USER_WITH_NOTE))

    assert client.get_versions(topic) == [1, 2]
    assert client.get_schema(topic).schema_id == second
    assert client.get_schema(topic, 1).schema_id == first
    assert client.check_version(topic, AvroSchema(USER)).version == 1
    assert client.get_by_id(first).raw_schema == USER
    assert (topic, 1) in {(each.subject, each.version) for each in client.get_schema_subject_versions(first)}


def test_an_incompatible_change_is_refused(client: Any, topic: str) -> None:
    client.register(topic, AvroSchema(USER))

    with pytest.raises(ClientError) as refused:
        client.register(topic, AvroSchema(USER_WITH_CITY))

    assert refused.value.http_code == 409
    assert not client.test_compatibility(topic, AvroSchema(USER_WITH_CITY))
    assert client.test_compatibility(topic, AvroSchema(USER_WITH_NOTE))


def test_the_level_of_a_subject_is_set_and_read(client: Any, topic: str) -> None:
    client.register(topic, AvroSchema(USER))

    assert client.update_compatibility("FULL", topic)
    assert client.get_compatibility(topic) == "FULL"


def test_what_is_not_there_is_told_as_such(client: Any, topic: str) -> None:
    assert client.get_schema(topic) is None
    assert client.check_version(topic, AvroSchema(USER)) is None
    assert client.get_versions(topic) == []
