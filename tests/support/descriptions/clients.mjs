// Clients that OpenAPI Generator made of a description, in one of three styles: each operation is a function that puts its path, its method and
// the names of its parameters together, and the types of the answers are declared beside it.
import { readFileSync, readdirSync } from "node:fs";
import { paths } from "./shape.mjs";
import { declarations, readerOf } from "./types.mjs";

const PATH = /localVarPath = (?:this\.basePath \+ )?[`'"]([^`'"]+)[`'"]/g;
const SERVER = /(?:(?:BASE_PATH|defaultBasePath) = |new ServerConfiguration\()["'](https:[^"'{]+)["']/;
const VERB = /method: '(\w+)'|HttpMethod\.(\w+)/;
const QUERY = /localVarQueryParameters?\['([^']+)'\]|(?:set|append)QueryParam\("([^"]+)"/g;
const FUNCTION = /^\s+(\w+)(?:: )?\([^\n]*\) (?:=> __awaiter|\{)/gm;

export function read(place, directories) {
  return directories.map((directory) => {
    const files = readdirSync(`${place}/${directory}`, { recursive: true }).map((file) => `${place}/${directory}/${file}`);
    const texts = files.filter((file) => file.endsWith(".d.ts")).map((file) => readFileSync(file, "utf8"));
    const { look } = readerOf(declarations(texts));
    const answers = new Map();
    for (const [, name, type] of texts.join("\n").matchAll(/\b(\w+)\([^\n]*\): Promise<(\w+)>;/g)) {
      answers.set(name, type);
    }
    const programs = files.filter((file) => file.endsWith(".js")).map((file) => readFileSync(file, "utf8"));
    const server = programs.map((text) => text.match(SERVER)?.[1]).find(Boolean);
    const operations = programs.flatMap((text) => operationsIn(text, server, answers, look));
    return { servers: server ? [server] : [], signIn: [], operations };
  });
}

function operationsIn(text, server, answers, look) {
  const starts = [...text.matchAll(PATH)];
  return starts.map(({ 1: path, index }, number) => {
    const body = text.slice(index, starts[number + 1]?.index);
    const name = [...text.slice(0, index).matchAll(FUNCTION)].at(-1)?.[1];
    const answer = body.match(/deserialize\([^,]*, "(\w+)"/)?.[1] ?? answers.get(name);
    return {
      method: body.match(VERB).slice(1).find(Boolean),
      path: (server ? new URL(server).pathname.replace(/\/$/, "") : "") + path,
      query: [...new Set([...body.matchAll(QUERY)].map(([, index, argument]) => index ?? argument))],
      body: [],
      answer: paths(answer, look),
      headers: [],
    };
  });
}
