// Reduces public API descriptions to the parts that can be compared with a provider entry, for
// tests/support/descriptions.rs. `sources.json` lists them, with the format of each (a module in this folder), a
// `prefix` for paths whose format omits the server, and a pattern `only` for the paths to keep of a huge one. The
// result is `descriptions.json`.
//
// Of each operation it keeps the method, the path with that of its server, the parameter names, the field names in the
// body, and the paths in the response: `data[].id`, `paging.next.after`. The packages are removed.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import * as clients from "./clients.mjs";
import * as fern from "./fern.mjs";
import * as graphql from "./graphql.mjs";
import * as openapi from "./openapi.mjs";
import * as resources from "./resources.mjs";
import * as stainless from "./stainless.mjs";
import * as types from "./types.mjs";
import { unpack } from "./unpack.mjs";

const FORMS = { clients, fern, graphql, openapi, resources, stainless, types };

const PACKAGES = "packages";

const { packages, descriptions: sources } = JSON.parse(readFileSync("sources.json", "utf8"));
const filesOf = (name) => Object.values(sources).filter((source) => source.package === name).flatMap(({ files }) => files);
unpack(packages, filesOf, PACKAGES);

// Equal responses are stored once; operations refer to them by index.
const shapes = new Map();
const numbered = (paths) => {
  const text = paths.join("\n");
  if (!shapes.has(text)) {
    shapes.set(text, shapes.size);
  }
  return shapes.get(text);
};

const descriptions = {};
for (const [name, source] of Object.entries(sources)) {
  const { package: from, files, form = "openapi", prefix = "", only = "" } = source;
  const folder = `${PACKAGES}/${from}`;
  const parts = FORMS[form].read(folder, files, source);
  const operations = parts.flatMap((part) => part.operations).filter(({ path }) => new RegExp(only).test(path));
  if (operations.length === 0) {
    throw new Error(`${name}: no operation in ${files} of ${from}`);
  }
  descriptions[name] = {
    package: from,
    servers: [...new Set(parts.flatMap((part) => part.servers))],
    sign_in: [...new Set(parts.flatMap((part) => part.signIn))],
    operations: operations.map(({ path, response, ...rest }) => ({ ...rest, path: prefix + path, response: numbered(response) })),
  };
}

const responses = [...shapes.keys()].map((text) => (text === "" ? [] : text.split("\n")));
writeFileSync("descriptions.json", JSON.stringify({ responses, descriptions }));
for (const folder of [PACKAGES, "node_modules"]) {
  rmSync(folder, { recursive: true });
}
