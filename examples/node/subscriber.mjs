// Reacts to events of orderly, each once, however often it is delivered.
//
//   npm ci && BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f node subscriber.mjs shipments.jsonl
//
// The reaction and the id of its event are one line of the file, and on the disk before the event is acknowledged: when this
// program dies in between, the event is delivered again and is found to be done. (With a database: one transaction.) NAMESPACE
// is `broker.namespace` (default orderly), QUEUE the name of the queue (default warehouse.orders).
import { existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import amqp from "amqplib";

const { BROKER_URL = "amqp://guest:guest@127.0.0.1:5672/%2f", NAMESPACE = "orderly", QUEUE = "warehouse.orders" } = process.env;

class Warehouse {
  #seen;
  #file;

  constructor(path) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    // A line without its end was cut by a crash, and its event was not acknowledged.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) truncateSync(path, Buffer.byteLength(whole));
    this.#seen = new Set(whole.split("\n").filter(Boolean).map((line) => JSON.parse(line).event_id));
    this.#file = openSync(path, "a");
  }

  // Ships what was paid; says whether the event was new.
  handle({ id, type, data }) {
    if (this.#seen.has(id)) return false;
    const shipment = type === "order.paid" ? { order_id: data.order_id, lines: data.lines } : undefined;
    writeSync(this.#file, `${JSON.stringify({ event_id: id, shipment })}\n`);
    fsyncSync(this.#file);
    this.#seen.add(id);
    return true;
  }
}

const warehouse = new Warehouse(process.argv[2]);
const connection = await amqp.connect(BROKER_URL);
const channel = await connection.createChannel();
// Durable, and bound before the first event that matters: RabbitMQ keeps no event for a queue that comes later.
await channel.assertQueue(QUEUE, { durable: true, arguments: { "x-queue-type": "quorum" } });
await channel.bindQueue(QUEUE, `${NAMESPACE}.events`, "order.*");
await channel.prefetch(50);
await channel.consume(QUEUE, (message) => {
  const event = JSON.parse(message.content);
  const isNew = warehouse.handle(event);
  channel.ack(message);
  console.log(`${event.type} ${event.subject} ${isNew ? "handled" : "again, ignored"}`);
});
process.on("SIGTERM", () => connection.close());
console.log("ready");
