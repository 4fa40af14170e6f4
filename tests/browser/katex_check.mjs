// Reads a JSON list of formulas from stdin and lets KaTeX read each; prints a JSON list of [position, message] of those
// that it refuses. KATEX is the folder of the package; without it, the one that Node finds.
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const katex = require(process.env.KATEX ? path.resolve(process.env.KATEX) : "katex");
let text = "";
for await (const chunk of process.stdin) text += chunk;
const refused = [];
JSON.parse(text).forEach((formula, position) => {
  try {
    katex.renderToString(formula, { throwOnError: true, displayMode: true, strict: "error" });
  } catch (error) {
    refused.push([position, error.message]);
  }
});
console.log(JSON.stringify(refused));
