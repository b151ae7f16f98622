"""Confluent's own client for Python, unmodified: serializers need the registry, not a broker."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
    record_subject_name_strategy,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from tests.servers import Server

ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "doc": "What was bought.",
    "fields": [{"name": "id", "type": "string"}, {"name": "items", "type": {"type": "array", "items": "int"}}],
}
ORDER_WITH_NOTE = ORDER | {"fields": [*ORDER["fields"], {"name": "note", "type": ["null", "string"], "default": None}]}
ORDER_WITH_PRICE = ORDER | {"fields": [*ORDER["fields"], {"name": "price", "type": "int"}]}
LEGACY = {"subject.name.strategy": topic_subject_name_strategy}


def avro(schema: dict[str, Any], *references: SchemaReference) -> Schema:
    return Schema(json.dumps(schema), "AVRO", list(references))


def value(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE)


def basic(server: Server, key: str) -> dict[str, Any]:
    return {"url": server.url, "basic.auth.user.info": f"{key.removeprefix('cbk_')[:12]}:{key}"}


def basic_with_the_prefix(server: Server, key: str) -> dict[str, Any]:
    return {"url": server.url, "basic.auth.user.info": f"{key[:16]}:{key}"}


def basic_in_the_address(server: Server, key: str) -> dict[str, Any]:
    """Every character percent-encoded, as a program might."""
    user, password = ("".join(f"%{ord(character):02X}" for character in part) for part in (key[:16], key))
    return {"url": server.url.replace("http://", f"http://{user}:{password}@")}


def bearer(server: Server, key: str) -> dict[str, Any]:
    """The logical cluster is the hosted registry's; the client insists on one, Callboard does not look at it."""
    return {
        "url": server.url,
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": key,
        "bearer.auth.logical.cluster": "lsrc-any",
    }


def forget(client: SchemaRegistryClient) -> None:
    """What comes next is asked of the server."""
    client.clear_caches()  # type: ignore[no-untyped-call]


@pytest.fixture
def client(server: Server, producer_key: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient(basic(server, producer_key)) as made:
        yield made


@pytest.mark.parametrize("credentials", [basic, basic_with_the_prefix, basic_in_the_address, bearer])
@pytest.mark.parametrize("strategy", [{}, LEGACY], ids=["associated", "topic"])
def test_a_message_comes_back_as_it_was_sent(
    server: Server, producer_key: str, topic: str, credentials: Any, strategy: dict[str, Any]
) -> None:
    message = {"id": "ö-1", "items": [1, 2, 3]}
    with SchemaRegistryClient(credentials(server, producer_key)) as producer:
        serialize = AvroSerializer(producer, json.dumps(ORDER), conf=strategy)
        payload = serialize(message, value(topic))
    with SchemaRegistryClient(credentials(server, producer_key)) as consumer:
        received = AvroDeserializer(consumer)(payload, value(topic))

    assert payload is not None and payload[0] == 0
    assert received == message


def test_keys_and_values_have_subjects_of_their_own(client: SchemaRegistryClient, topic: str) -> None:
    AvroSerializer(client, '"string"', conf=LEGACY)("k", SerializationContext(topic, MessageField.KEY))
    AvroSerializer(client, json.dumps(ORDER), conf=LEGACY)({"id": "1", "items": []}, value(topic))

    assert {f"{topic}-key", f"{topic}-value"} <= set(client.get_subjects())


def test_a_consumer_reads_old_messages_with_its_newer_schema(client: SchemaRegistryClient, topic: str) -> None:
    payload = AvroSerializer(client, json.dumps(ORDER), conf=LEGACY)({"id": "1", "items": []}, value(topic))

    received = AvroDeserializer(client, json.dumps(ORDER_WITH_NOTE))(payload, value(topic))

    assert received == {"id": "1", "items": [], "note": None}


def test_the_latest_version_is_used_when_asked_for(client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(f"{topic}-value", avro(ORDER))
    newest = client.register_schema(f"{topic}-value", avro(ORDER_WITH_NOTE))
    conf = LEGACY | {"auto.register.schemas": False, "use.latest.version": True}

    payload = AvroSerializer(client, json.dumps(ORDER), conf=conf)({"id": "1", "items": [], "note": "n"}, value(topic))

    assert payload is not None and int.from_bytes(payload[1:5], "big") == newest
    assert AvroDeserializer(client)(payload, value(topic)) == {"id": "1", "items": [], "note": "n"}


def test_a_schema_is_looked_up_when_it_may_not_be_registered(client: SchemaRegistryClient, topic: str) -> None:
    conf = LEGACY | {"auto.register.schemas": False}
    serialize = AvroSerializer(client, json.dumps(ORDER), conf=conf)
    with pytest.raises((SchemaRegistryError, SerializationError), match="40401|Subject"):
        serialize({"id": "1", "items": []}, value(topic))
    known = client.register_schema(f"{topic}-value", avro(ORDER))
    forget(client)

    payload = serialize({"id": "1", "items": []}, value(topic))

    assert payload is not None and int.from_bytes(payload[1:5], "big") == known


def test_the_same_schema_is_registered_once(client: SchemaRegistryClient, topic: str) -> None:
    first = client.register_schema_full_response(topic, avro(ORDER))
    forget(client)

    again = client.register_schema_full_response(topic, avro(ORDER))

    assert (again.schema_id, again.guid, again.version) == (first.schema_id, first.guid, 1)
    assert client.get_versions(topic) == [1]


def test_what_was_registered_is_found_by_id_guid_version_and_text(client: SchemaRegistryClient, topic: str) -> None:
    registered = client.register_schema_full_response(topic, avro(ORDER))
    forget(client)
    assert registered.schema_id is not None and registered.guid is not None

    found = client.lookup_schema(topic, avro(ORDER))
    forget(client)

    assert (found.schema_id, found.version, found.subject) == (registered.schema_id, 1, topic)
    texts = {
        client.get_schema(registered.schema_id).schema_str,
        client.get_schema_by_guid(registered.guid).schema_str,
        client.get_version(topic, 1).schema.schema_str,
        client.get_latest_version(topic).schema.schema_str,
    }
    assert [json.loads(text or "") for text in texts] == [ORDER]
    assert topic in client.get_subjects_by_schema_id(registered.schema_id)
    assert (topic, 1) in {(each.subject, each.version) for each in client.get_schema_versions(registered.schema_id)}


def test_a_referenced_schema_is_resolved_for_reader_and_writer(client: SchemaRegistryClient, topic: str) -> None:
    customer = {
        "type": "record",
        "name": "Customer",
        "namespace": "shop",
        "fields": [{"name": "name", "type": "string"}],
    }
    client.register_schema(f"{topic}-customer", avro(customer))
    order = ORDER | {"fields": [{"name": "buyer", "type": "shop.Customer"}]}
    schema = avro(order, SchemaReference("shop.Customer", f"{topic}-customer", 1))

    payload = AvroSerializer(client, schema, conf=LEGACY)({"buyer": {"name": "Ada"}}, value(topic))
    forget(client)

    assert AvroDeserializer(client)(payload, value(topic)) == {"buyer": {"name": "Ada"}}
    assert payload is not None
    assert client.get_referenced_by(f"{topic}-customer", 1) == [int.from_bytes(payload[1:5], "big")]


def test_an_incompatible_change_is_refused_with_409(client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(topic, avro(ORDER))

    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(topic, avro(ORDER_WITH_PRICE))

    assert (refused.value.http_status_code, refused.value.error_code) == (409, 40901)
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in str(refused.value)
    assert client.get_versions(topic) == [1]


def test_compatibility_is_told_before_registering(client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(topic, avro(ORDER))

    assert client.test_compatibility(topic, avro(ORDER_WITH_NOTE))
    assert not client.test_compatibility(topic, avro(ORDER_WITH_PRICE))
    assert not client.test_compatibility_all_versions(topic, avro(ORDER_WITH_PRICE))


def test_the_level_of_a_subject_decides(client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(topic, avro(ORDER))

    client.set_compatibility(topic, "NONE")

    assert client.get_compatibility(topic) == "NONE"
    assert client.register_schema(topic, avro(ORDER_WITH_PRICE)) > 0


def test_the_configuration_of_a_subject_is_set_read_and_taken_back(client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(topic, avro(ORDER))

    client.set_config(topic, ServerConfig(ConfigCompatibilityLevel.FULL_TRANSITIVE))

    assert client.get_config(topic).compatibility_level == "FULL_TRANSITIVE"
    client.delete_config(topic)
    with pytest.raises(SchemaRegistryError) as missing:
        client.get_config(topic)
    assert missing.value.error_code == 40408


def test_an_invalid_schema_is_refused_with_42201(client: SchemaRegistryClient, topic: str) -> None:
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(topic, avro({"type": "record", "name": "1st", "fields": []}))

    assert (refused.value.http_status_code, refused.value.error_code) == (422, 42201)


def test_what_is_not_there_has_the_code_that_clients_cache(client: SchemaRegistryClient, topic: str) -> None:
    def code(call: Any, *arguments: Any) -> int:
        with pytest.raises(SchemaRegistryError) as missing:
            call(*arguments)
        assert missing.value.http_status_code == 404
        return int(missing.value.error_code)

    assert code(client.get_latest_version, topic) == 40401
    client.register_schema(topic, avro(ORDER))
    assert code(client.get_version, topic, 2) == 40402
    assert code(client.lookup_schema, topic, avro(ORDER_WITH_NOTE)) == 40403
    assert code(client.get_schema, 2_000_000_000) == 40403


def test_record_names_serve_as_subjects(client: SchemaRegistryClient, topic: str) -> None:
    record = ORDER | {"name": f"Order_{topic[-8:]}"}
    conf = {"subject.name.strategy": record_subject_name_strategy}

    AvroSerializer(client, json.dumps(record), conf=conf)({"id": "1", "items": []}, value(topic))

    assert f"shop.{record['name']}" in client.get_subjects()


@pytest.mark.parametrize("credentials", [basic, basic_with_the_prefix, basic_in_the_address, bearer])
def test_a_wrong_key_is_refused_with_401(server: Server, producer_key: str, credentials: Any) -> None:
    wrong = producer_key[:-1] + ("0" if producer_key[-1] != "0" else "1")
    with SchemaRegistryClient(credentials(server, wrong)) as stranger, pytest.raises(SchemaRegistryError) as refused:
        stranger.get_subjects()

    assert refused.value.http_status_code == 401


def test_an_outsider_reads_but_does_not_register(server: Server, client: SchemaRegistryClient, topic: str) -> None:
    client.register_schema(topic, avro(ORDER))
    outsider_key = server.new_key(f"outsider-{topic[-8:]}", group="outsiders")

    with SchemaRegistryClient(basic(server, outsider_key)) as outsider:
        assert outsider.get_latest_version(topic).version == 1
        with pytest.raises(SchemaRegistryError) as refused:
            outsider.register_schema(topic, avro(ORDER_WITH_NOTE))

    assert refused.value.http_status_code == 403
    assert client.get_versions(topic) == [1]
