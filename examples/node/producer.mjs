// Publishes the commands of a file to orderly, and acts on the verdict of each.
//
//   npm ci && BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f node producer.mjs ../commands.jsonl
//
// NAMESPACE is `broker.namespace` (default orderly), VERDICT_TIMEOUT the seconds after which a command is published again
// (default 10).
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import amqp from "amqplib";

const { BROKER_URL = "amqp://guest:guest@127.0.0.1:5672/%2f", NAMESPACE = "orderly", VERDICT_TIMEOUT = "10" } = process.env;
const TRIES = 5;

class Orderly {
  #channel;
  #replies;
  #waiting = new Map();

  static async connect(url) {
    const orderly = new Orderly();
    const connection = await amqp.connect(url);
    orderly.connection = connection;
    const channel = await connection.createConfirmChannel();
    orderly.#channel = channel;
    // Without this a message that no queue takes is confirmed all the same.
    channel.on("return", ({ properties }) => orderly.#settle(properties.correlationId, new Error("no queue takes commands")));
    // Exclusive: it goes with the connection. Verdicts are sent once and are not stored, so it need not be durable.
    orderly.#replies = (await channel.assertQueue("", { exclusive: true })).queue;
    await channel.consume(
      orderly.#replies,
      (message) => orderly.#settle(message.properties.correlationId, JSON.parse(message.content)),
      { noAck: true },
    );
    return orderly;
  }

  #settle(correlation, outcome) {
    // Verdicts of earlier tries find nobody who waits.
    this.#waiting.get(correlation)?.(outcome);
    this.#waiting.delete(correlation);
  }

  // Publishes a command until its verdict comes. The id is the same in every try, so the command counts once.
  async send(type, id, data) {
    for (let count = 0; count < TRIES; count += 1) {
      const correlationId = randomUUID();
      const verdict = new Promise((resolve) => {
        this.#waiting.set(correlationId, resolve);
        setTimeout(() => this.#settle(correlationId), Number(VERDICT_TIMEOUT) * 1000).unref();
      });
      const options = {
        contentType: "application/json", persistent: true, mandatory: true,
        messageId: id, appId: "example", type, replyTo: this.#replies, correlationId,
      };
      this.#channel.publish(`${NAMESPACE}.commands`, type, Buffer.from(JSON.stringify(data)), options);
      // Rejects when RabbitMQ does not take the message.
      await this.#channel.waitForConfirms();
      const outcome = await verdict;
      if (outcome instanceof Error) throw outcome;
      if (outcome) return outcome;
      console.log(`${type} ${id}: no verdict yet, publishing it again`);
    }
    // It may have been processed: publishing it again later, under the same id, is safe.
    throw new Error(`no verdict on ${id}`);
  }
}

// What a shop does about a verdict; docs/reasons.md has every reason.
function actOn({ verdict, reason, detail, events, original }) {
  switch (verdict) {
    case "applied":
      return `done: ${events.join(", ")}`;
    case "duplicate":
      // Processed before, under this id: what came of it then is what counts.
      return `done before: ${original.verdict}`;
    case "stale":
      return "out of date, nothing to do";
    case "waiting":
      return "kept until its order is placed";
    case "rejected":
      if (reason === "out_of_stock") return `tell the customer: ${detail[0].available} of ${detail[0].sku} left`;
      return `refused: ${reason}`;
    case "review":
      return "recorded; a person looks at the order";
    case "conflict":
      return "a bug here: this id was used for other data";
    case "invalid":
      return `a bug here: ${detail}`;
    case "failed":
      return "parked: orderly's operators replay it";
    default:
      // Later versions may have more.
      return `not known to this program: ${verdict}`;
  }
}

const orderly = await Orderly.connect(BROKER_URL);
for (const line of readFileSync(process.argv[2], "utf8").trim().split("\n")) {
  const { type, id, data } = JSON.parse(line);
  const verdict = await orderly.send(type, id, data);
  console.log(`${type} ${id}: ${verdict.verdict}: ${actOn(verdict)}`);
}
await orderly.connection.close();
