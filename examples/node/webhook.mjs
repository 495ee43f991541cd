// Receives notifications of orderly as signed webhooks, each once: see docs/webhooks.md.
//
//   WEBHOOK_SECRET=... LISTEN=127.0.0.1:8090 node webhook.mjs
//
// A real receiver keeps the ids of notifications in its database, in one transaction with what it does about them; here they are
// in memory. Needs nothing but Node.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { WEBHOOK_SECRET, LISTEN = "127.0.0.1:8090" } = process.env;
if (!WEBHOOK_SECRET) throw new Error("set WEBHOOK_SECRET");
const TOLERANCE = 300; // seconds
const MAX_BODY = 1 << 20; // bytes
const seen = new Set();

// Whether orderly signed these bytes, not long ago.
function isValid(headers, body) {
  const timestamp = headers["orderly-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) return false;
  const mac = createHmac("sha256", WEBHOOK_SECRET).update(`${timestamp}.`).update(body).digest("hex");
  const [expected, given] = [Buffer.from(`v1=${mac}`), Buffer.from(headers["orderly-signature"] ?? "")];
  return expected.length === given.length && timingSafeEqual(expected, given);
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const server = createServer(async (request, response) => {
  const answer = (status) => response.writeHead(status).end();
  try {
    const body = request.method === "POST" ? await read(request) : undefined;
    if (!body) return answer(request.method === "POST" ? 413 : 405);
    if (!isValid(request.headers, body)) return answer(401);
    const notification = JSON.parse(body);
    if (!seen.has(notification.notification_id)) {
      // Send the e-mail here. If that fails, answer 503: orderly tries again later.
      console.log(`${notification.kind} ${notification.order_id} to ${notification.customer.email}`);
      seen.add(notification.notification_id);
    }
    return answer(204);
  } catch (error) {
    console.error(error);
    return answer(500);
  }
});
const [host, port] = LISTEN.split(":");
server.listen(Number(port), host, () => console.log("ready"));
