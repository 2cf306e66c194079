// Shopify's REST API as Shopify's library declares it: a class per resource with its paths and, per operation, an
// interface of its parameters (`AllArgs` for a list).
import { readFileSync, readdirSync } from "node:fs";

const PATH = /\{"http_method": "(\w+)", "operation": "(\w+)", "ids": \[([^\]]*)\], "path": "([^"]+)"\}/g;

export function read(folder, [directory]) {
  const version = directory.split("/").at(-1);
  const operations = [];
  for (const file of readdirSync(`${folder}/${directory}`).filter((file) => file.endsWith(".ts") && file !== "index.ts")) {
    const text = readFileSync(`${folder}/${directory}/${file}`, "utf8");
    const prefix = text.match(/customPrefix: string \| null = "([^"]+)"/)?.[1] ?? `/admin/api/${version}`;
    const plural = text.match(/"plural": "(\w+)"/)?.[1];
    for (const [, method, operation, ids, path] of text.matchAll(PATH)) {
      const isList = operation === "get" && !ids.includes('"id"');
      operations.push({
        method: method.toUpperCase(),
        path: `${prefix}/${path.replaceAll("<", "{").replaceAll(">", "}")}`,
        query: isList ? named(text, "AllArgs") : [],
        body: [],
        response: isList && plural ? [plural, `${plural}[]`] : [],
        headers: [],
      });
    }
  }
  return [{ servers: [], signIn: [], operations }];
}

function named(text, type) {
  const body = text.match(new RegExp(`interface ${type} \\{([^}]*)\\}`))?.[1] ?? "";
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name).filter((name) => name !== "session");
}
