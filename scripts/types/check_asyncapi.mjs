// Checks a document against the JSON Schema of AsyncAPI 3.0, and the examples in it against its own schemas, with Ajv.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const Ajv = require("ajv").default;
const asyncapi = require("@asyncapi/specs/schemas/3.0.0-without-$id.json");

const [file] = process.argv.slice(2);
const document = JSON.parse(readFileSync(file, "utf8"));

const fail = (what, errors) => {
  console.error(`${file}: ${what}:`, JSON.stringify(errors, null, 2));
  process.exit(1);
};

// The formats of texts are not checked: Ajv has them in another package.
const ofSpecification = new Ajv({ strict: false, validateFormats: false, allErrors: false });
const isAsyncapi = ofSpecification.compile(asyncapi);
if (!isAsyncapi(document)) fail("is no AsyncAPI 3.0", isAsyncapi.errors);

const own = new Ajv({ strict: false, validateFormats: false });
own.addSchema({ components: document.components }, "document");
let examples = 0;
for (const [name, message] of Object.entries(document.components.messages)) {
  const isRight = own.compile({ $ref: `document${message.payload.$ref}` });
  for (const { payload } of message.examples) {
    if (!isRight(payload)) fail(`the example of ${name} is not as its schema says`, isRight.errors);
    examples += 1;
  }
}
console.log(`valid AsyncAPI ${document.asyncapi}, ${examples} examples are as their schemas say`);
