// Writes a TypeScript file in which every example has the type of its definition, and wrong ones have not. `tsc` judges it.

import { readFileSync, writeFileSync } from "node:fs";

const [schema, from, to] = process.argv.slice(2);
const definitions = Object.keys(JSON.parse(readFileSync(schema, "utf8")).$defs);
const examples = readFileSync(from, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const one = (definition) => examples.find((example) => example.definition === definition).value;

const lines = ['import type * as orderly from "./orderly.js";', ""];
// Every definition is a type.
lines.push(`export type All = [${definitions.map((name) => `orderly.${name}`).join(", ")}];`, "");
examples.forEach(({ definition, value }, number) => {
  lines.push(`export const example${number}: orderly.${definition} = ${JSON.stringify(value)};`);
});

// The compiler must refuse each of these, and says so where it does not.
const paid = one("OrderPaidEvent");
const { order_id: _, ...without } = paid.data;
const wrong = [
  ["OrderPaidEvent", { ...paid, type: "order.payed" }],
  ["OrderPaidEvent", { ...paid, data: { ...paid.data, status: "payed" } }],
  ["OrderPaidEvent", { ...paid, data: { ...paid.data, total: "500" } }],
  ["OrderPaidEvent", { ...paid, data: without }],
  ["Verdict", { ...one("Verdict"), verdict: "accepted" }],
  ["StockSetLine", { ...one("StockSetLine"), data: { sku: "tea" } }],
  ["OrderConfirmedNotification", { ...one("OrderConfirmedNotification"), kind: "order_shipped" }],
];
wrong.forEach(([definition, value], number) => {
  lines.push("// @ts-expect-error", `export const wrong${number}: orderly.${definition} = ${JSON.stringify(value)};`);
});

// A type is known by its name: the compiler knows the data behind it.
lines.push(`
export function about(event: orderly.Event): string {
  switch (event.type) {
    case "order.paid":
      return \`\${event.data.order_id} \${event.data.late}\`;
    case "stock.low":
      return \`\${event.data.sku} \${event.data.available.toFixed()}\`;
    default:
      return event.id;
  }
}

export function isOver(status: orderly.OrderStatus): boolean {
  const over: orderly.OrderStatus[] = ["completed", "rejected", "refunded"];
  // @ts-expect-error
  if (status === "payed") return false;
  return over.includes(status);
}
`);
writeFileSync(to, lines.join("\n"));
