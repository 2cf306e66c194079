// Cuts public descriptions of APIs down to what the facts of a provider's entry can be held against, for
// tests/support/descriptions.rs. `sources.json` names them, with the form of each (a module beside this one), a `prefix`
// for paths whose form leaves the server out, and the `only` paths that are kept of a huge one; `descriptions.json` is
// the result.
//
// Of each operation it keeps the method, the path with that of its server, the names of its parameters, the names in
// its body, and the paths in its answer: `data[].id`, `paging.next.after`. The packages go.
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

// Answers recur: each is kept once, and operations name it by its number.
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
  const place = `${PACKAGES}/${from}`;
  const parts = FORMS[form].read(place, files, source);
  const operations = parts.flatMap((part) => part.operations).filter(({ path }) => new RegExp(only).test(path));
  if (operations.length === 0) {
    throw new Error(`${name}: no operation in ${files} of ${from}`);
  }
  descriptions[name] = {
    package: from,
    servers: [...new Set(parts.flatMap((part) => part.servers))],
    sign_in: [...new Set(parts.flatMap((part) => part.signIn))],
    operations: operations.map(({ path, answer, ...rest }) => ({ ...rest, path: prefix + path, answer: numbered(answer) })),
  };
}

const answers = [...shapes.keys()].map((text) => (text === "" ? [] : text.split("\n")));
writeFileSync("descriptions.json", JSON.stringify({ answers, descriptions }));
for (const place of [PACKAGES, "node_modules"]) {
  rmSync(place, { recursive: true });
}
