// Clients of GraphQL whose types were made of a schema: each field of `Query` is something to ask for, all at one
// `endpoint`, which the client's program names.
import { readFileSync } from "node:fs";
import { declarations, readerOf } from "./types.mjs";

export function read(place, [types, program], { endpoint }) {
  if (!readFileSync(`${place}/${program}`, "utf8").includes(endpoint)) {
    throw new Error(`${place}/${program} does not name ${endpoint}`);
  }
  const { names } = readerOf(declarations([readFileSync(`${place}/${types}`, "utf8")]));
  const answer = names("Query").flatMap(([field, type]) => [
    `data.${field}`,
    ...names(type).map(([name]) => `data.${field}.${name}`),
  ]);
  const operation = { method: "POST", path: new URL(endpoint).pathname, query: [], body: ["query"], answer, headers: [] };
  return [{ servers: [endpoint], signIn: [], operations: [operation] }];
}
