// Holds GraphQL requests, a JSON list on standard input, against GitHub's schema: the query and the variables that it takes.
// Prints what is wrong, a line each. Runs in the folder that holds the packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "here.js"));
const { buildSchema, coerceInputValue, parse, typeFromAST, validate } = require("graphql");
const text = readFileSync("node_modules/@octokit/graphql-schema/schema.graphql", "utf8");
const schema = buildSchema(text, { assumeValid: true });
for (const { query, variables } of JSON.parse(readFileSync(0, "utf8"))) {
  const document = parse(query);
  for (const error of validate(schema, document)) console.log(error.message);
  const declared = document.definitions.flatMap((definition) => definition.variableDefinitions ?? []);
  const known = new Set(declared.map((one) => one.variable.name.value));
  for (const name of Object.keys(variables ?? {})) if (!known.has(name)) console.log(`no variable $${name}`);
  for (const one of declared) {
    const name = one.variable.name.value;
    const type = typeFromAST(schema, one.type);
    coerceInputValue(variables?.[name], type, (path, _value, error) => console.log(`$${name}.${path.join(".")}: ${error.message}`));
  }
}
