// @confluentinc/schemaregistry, unmodified: serializers need the registry, not a broker.
import assert from "node:assert/strict";
import { test } from "node:test";
import registry from "@confluentinc/schemaregistry";

const { AvroDeserializer, AvroSerializer, RestError, SchemaRegistryClient, SerdeType } = registry;
const { REGISTRY_URL: url, REGISTRY_KEY: key, TOPIC: topic } = process.env;
const user = key.slice("cbk_".length).slice(0, 12);

const order = {
  type: "record",
  name: "Order",
  namespace: "shop",
  fields: [
    { name: "id", type: "string" },
    { name: "items", type: { type: "array", items: "int" } },
  ],
};
const withNote = { ...order, fields: [...order.fields, { name: "note", type: ["null", "string"], default: null }] };
const withPrice = { ...order, fields: [...order.fields, { name: "price", type: "int" }] };
const avro = (schema, references = []) => ({ schemaType: "AVRO", schema: JSON.stringify(schema), references });

const credentials = {
  basic: { basicAuthCredentials: { credentialsSource: "USER_INFO", userInfo: `${user}:${key}` } },
  // The logical cluster is the hosted registry's; the client insists on one.
  bearer: { bearerAuthCredentials: { credentialsSource: "STATIC_TOKEN", token: key, logicalCluster: "lsrc-any" } },
};
const connect = (name = "basic") => SchemaRegistryClient.newClient({ baseURLs: [url], maxRetries: 0, ...credentials[name] });

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RestError, String(error));
    return [error.status, error.errorCode];
  }
  assert.fail("was not refused");
}

for (const name of Object.keys(credentials)) {
  test(`a message comes back as it was sent, with ${name} credentials`, async () => {
    const message = { id: "ö-1", items: [1, 2, 3] };
    const producer = connect(name);
    await producer.register(`${topic}-${name}-value`, avro(order));
    const serializer = new AvroSerializer(producer, SerdeType.VALUE, { useLatestVersion: true });

    const payload = await serializer.serialize(`${topic}-${name}`, message);

    const deserializer = new AvroDeserializer(connect(name), SerdeType.VALUE, {});
    assert.deepEqual({ ...(await deserializer.deserialize(`${topic}-${name}`, payload)) }, message);
  });
}

test("the serializer registers the schema of what it is given", async () => {
  const client = connect();
  const serializer = new AvroSerializer(client, SerdeType.VALUE, { autoRegisterSchemas: true });

  const payload = await serializer.serialize(`${topic}-auto`, { id: "1" });

  const { id } = await client.getLatestSchemaMetadata(`${topic}-auto-value`);
  assert.equal(payload.readInt32BE(1), id);
});

test("a referenced schema is resolved for reader and writer", async () => {
  const client = connect();
  const customer = { type: "record", name: "Customer", namespace: "shop", fields: [{ name: "name", type: "string" }] };
  await client.register(`${topic}-customer`, avro(customer));
  const buyer = { ...order, fields: [{ name: "buyer", type: "shop.Customer" }] };
  const reference = { name: "shop.Customer", subject: `${topic}-customer`, version: 1 };
  await client.register(`${topic}-reference-value`, avro(buyer, [reference]));
  const message = { buyer: { name: "Ada" } };
  const serializer = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true });

  const payload = await serializer.serialize(`${topic}-reference`, message);

  const deserializer = new AvroDeserializer(connect(), SerdeType.VALUE, {});
  const received = await deserializer.deserialize(`${topic}-reference`, payload);
  assert.deepEqual(JSON.parse(JSON.stringify(received)), message);
});

test("registering twice gives one id and one version, and lookup finds it", async () => {
  const subject = `${topic}-twice`;
  const first = await connect().register(subject, avro(order));

  assert.equal(await connect().register(subject, avro(order)), first);

  assert.deepEqual(await connect().getAllVersions(subject), [1]);
  assert.equal(await connect().getVersion(subject, avro(order)), 1);
  assert.equal(await connect().getId(subject, avro(order)), first);
  assert.deepEqual(JSON.parse((await connect().getBySubjectAndId(subject, first)).schema), order);
});

test("an incompatible change is refused", async () => {
  const client = connect();
  const subject = `${topic}-incompatible`;
  await client.register(subject, avro(order));

  assert.deepEqual(await refusal(client.register(subject, avro(withPrice))), [409, 40901]);

  assert.equal(await client.testSubjectCompatibility(subject, avro(withPrice)), false);
  assert.equal(await client.testSubjectCompatibility(subject, avro(withNote)), true);
});

test("the level of a subject decides", async () => {
  const client = connect();
  const subject = `${topic}-level`;
  await client.register(subject, avro(order));

  await client.updateCompatibility(subject, "NONE");

  assert.equal(await client.getCompatibility(subject), "NONE");
  assert.ok((await client.register(subject, avro(withPrice))) > 0);
});

test("what is not there has the code that clients cache", async () => {
  const client = connect();

  assert.deepEqual(await refusal(client.getLatestSchemaMetadata(`${topic}-none`)), [404, 40401]);
  assert.deepEqual(await refusal(client.getBySubjectAndId(topic, 2_000_000_000)), [404, 40403]);
});
