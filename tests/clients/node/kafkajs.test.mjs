// @kafkajs/confluent-schema-registry, unmodified.
import assert from "node:assert/strict";
import { test } from "node:test";
import registry from "@kafkajs/confluent-schema-registry";

const { COMPATIBILITY, SchemaRegistry, SchemaType } = registry;
const { REGISTRY_URL: host, REGISTRY_KEY: key, TOPIC: topic } = process.env;
const auth = { username: key.slice("cbk_".length).slice(0, 12), password: key };
const connect = () => new SchemaRegistry({ host, auth, retry: { retries: 0 } });

const order = {
  type: "record",
  name: "Order",
  namespace: "shop",
  fields: [
    { name: "id", type: "string" },
    { name: "items", type: { type: "array", items: "int" } },
  ],
};
const withPrice = { ...order, fields: [...order.fields, { name: "price", type: "int" }] };
const avro = (schema) => ({ type: SchemaType.AVRO, schema: JSON.stringify(schema) });
const plain = (value) => JSON.parse(JSON.stringify(value));

test("a message comes back as it was sent", async () => {
  const producer = connect();
  const { id } = await producer.register(avro(order), { subject: `${topic}-value` });

  const payload = await producer.encode(id, { id: "ö-1", items: [1, 2, 3] });

  assert.deepEqual(plain(await connect().decode(payload)), { id: "ö-1", items: [1, 2, 3] });
});

test("the first registration sets the level of the subject", async () => {
  // BACKWARD is what this client asks for by default; the server's own level then counts no more.
  const subject = `${topic}-full`;

  await connect().register(avro(order), { subject, compatibility: COMPATIBILITY.FULL });

  await assert.rejects(connect().register(avro(order), { subject, compatibility: COMPATIBILITY.NONE }), /FULL/);
});

test("an id is found by version, by latest and by schema", async () => {
  const subject = `${topic}-found`;
  const { id } = await connect().register(avro(order), { subject });

  assert.equal(await connect().getRegistryId(subject, 1), id);
  assert.equal(await connect().getLatestSchemaId(subject), id);
  assert.equal(await connect().getRegistryIdBySchema(subject, avro(order)), id);
});

test("an incompatible change is refused", async () => {
  const subject = `${topic}-incompatible`;
  await connect().register(avro(order), { subject });

  await assert.rejects(connect().register(avro(withPrice), { subject }), /READER_FIELD_MISSING_DEFAULT_VALUE/);
});

test("an unknown id is an error, not a message", async () => {
  await assert.rejects(connect().getSchema(2_000_000_000), /not found/i);
});

test("a referenced schema is resolved for reader and writer", async () => {
  const customer = { type: "record", name: "Customer", namespace: "shop", fields: [{ name: "name", type: "string" }] };
  await connect().register(avro(customer), { subject: `${topic}-customer` });
  const buyer = { ...order, fields: [{ name: "buyer", type: "shop.Customer" }] };
  const references = [{ name: "shop.Customer", subject: `${topic}-customer`, version: 1 }];
  const { id } = await connect().register({ ...avro(buyer), references }, { subject: `${topic}-reference` });

  const payload = await connect().encode(id, { buyer: { name: "Ada" } });

  assert.deepEqual(plain(await connect().decode(payload)), { buyer: { name: "Ada" } });
});
