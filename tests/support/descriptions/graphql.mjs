// GraphQL clients whose types are generated from a schema: each field of `Query` can be requested, all at one
// `endpoint`, which the client's program contains.
import { readFileSync } from "node:fs";
import { declarations, readerOf } from "./types.mjs";

export function read(folder, [types, program], { endpoint }) {
  if (!readFileSync(`${folder}/${program}`, "utf8").includes(endpoint)) {
    throw new Error(`${folder}/${program} does not name ${endpoint}`);
  }
  const { names } = readerOf(declarations([readFileSync(`${folder}/${types}`, "utf8")]));
  const response = names("Query").flatMap(([field, type]) => [
    `data.${field}`,
    ...names(type).map(([name]) => `data.${field}.${name}`),
  ]);
  const operation = { method: "POST", path: new URL(endpoint).pathname, query: [], body: ["query"], response, headers: [] };
  return [{ servers: [endpoint], signIn: [], operations: [operation] }];
}
