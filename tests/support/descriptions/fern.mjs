// Clients that Fern made of a description: each operation is a method that puts its parameters together and, for its
// errors, names its method and its path; the types of the answers are declared beside it.
import { readFileSync, readdirSync } from "node:fs";
import { paths } from "./shape.mjs";
import { declarations, readerOf } from "./types.mjs";

const END = /handleNonStatusCodeError\)\([^,]+, [^,]+, "(\w+)", "([^"]+)"\)/g;
const FUNCTION = /^ {4}(?:__)?(\w+)\([^\n]*\) \{/gm;
const QUERY = /_queryParams(?:\.(\w+)|\["([^"]+)"\]) =/g;
const DECLARED = /^ {4}(\w+)\([^\n]*\): [^\n]*?(\w+)>+;$/gm;

export function read(place, directories) {
  const texts = new Map();
  for (const directory of directories) {
    for (const file of readdirSync(`${place}/${directory}`, { recursive: true })) {
      // Versions that are not stable have types of the same names.
      if (/\.(d\.ts|js)$/.test(file) && !file.includes("unstable")) {
        texts.set(`${directory}/${file}`, readFileSync(`${place}/${directory}/${file}`, "utf8"));
      }
    }
  }
  const declared = [...texts].filter(([file]) => file.endsWith(".d.ts")).map(([, text]) => text);
  const { look } = readerOf(declarations(declared));
  const server = [...texts].find(([file]) => file.endsWith("environments.js"))?.[1].match(/"(https:[^"]+)"/)[1];
  const programs = [...texts].filter(([file]) => file.endsWith("Client.js"));
  const operations = programs.flatMap(([file, program]) => {
    const answers = new Map([...texts.get(file.replace(/\.js$/, ".d.ts")).matchAll(DECLARED)].map(([, name, type]) => [name, type]));
    let start = 0;
    return [...program.matchAll(END)].map(({ 1: method, 2: path, index }) => {
      const body = program.slice(start, index);
      start = index;
      const name = [...body.matchAll(FUNCTION)].at(-1)?.[1];
      const query = [...body.matchAll(QUERY)].map(([, plain, quoted]) => plain ?? quoted);
      return { method, path, query: [...new Set(query)], body: [], answer: paths(answers.get(name), look), headers: [] };
    });
  });
  return [{ servers: [server], signIn: [], operations }];
}
