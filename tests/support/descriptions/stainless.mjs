// Clients that Stainless made of a description: each operation is a method that calls the client with its path, and the
// types of its parameters and pages are declared beside it.
import { readFileSync, readdirSync } from "node:fs";
import { paths } from "./shape.mjs";
import { declarations, readerOf } from "./types.mjs";

const CALL = /_client\.(get|post|put|patch|delete|getAPIList)\((?:\([^()]*\) ?)?[`'"]([^`'"]+)[`'"]/g;
const METHOD = /^ {4}(\w+)\([^\n]*\) \{/gm;

export function read(place, [client, pagination, ...directories]) {
  const server = readFileSync(`${place}/${client}`, "utf8").match(/baseURL \|\| `([^`]+)`/)[1];
  const pages = readFileSync(`${place}/${pagination}`, "utf8");
  const operations = directories.flatMap((directory) => {
    const files = readdirSync(`${place}/${directory}`, { recursive: true }).filter((file) => file.endsWith(".js"));
    return files.flatMap((file) => {
      const program = readFileSync(`${place}/${directory}/${file}`, "utf8");
      const text = readFileSync(`${place}/${directory}/${file.replace(/\.js$/, ".d.ts")}`, "utf8");
      return operationsIn(program, text, pages, new URL(server).pathname.replace(/\/$/, ""));
    });
  });
  return [{ servers: [server], signIn: [], operations }];
}

function operationsIn(program, text, pages, prefix) {
  const { look, names } = readerOf(declarations([pages, text]));
  return [...program.matchAll(CALL)].map(({ 1: call, 2: path, index }) => {
    const name = [...program.slice(0, index).matchAll(METHOD)].at(-1)?.[1];
    const declared = text.match(new RegExp(`^ {4}${name}\\(([^\\n]*)\\): \\w+<(\\w+)(?:, (\\w+))?>;`, "m")) ?? [];
    const [, parameters = "", type, record] = declared;
    const isList = call === "getAPIList";
    // The type of a page leaves the one of its records open.
    const open = paths(type, look);
    const lists = open.filter((path) => path.endsWith("[]"));
    const ofRecord = names(record).flatMap(([name]) => lists.map((list) => `${list}.${name}`));
    return {
      method: isList ? "GET" : call.toUpperCase(),
      path: prefix + path.replaceAll(/\$\{(\w+)\}/g, "{$1}"),
      query: isList ? names(parameters.match(/\w+Params\b/)?.[0]).map(([name]) => name) : [],
      body: [],
      answer: [...open, ...ofRecord],
      headers: [],
    };
  });
}
