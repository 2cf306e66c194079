// Cuts GitHub's description of its API (13 MB, 811 paths) down to the paths that the integration uses, for
// tests/support/prism.rs: the whole one takes eleven seconds to read, each time.
//
// What is kept is kept with everything that it refers to, and as it is, but for one thing that prism's validator cannot
// read, and then takes every body in silence: `nullable` beside alternatives. It becomes one more alternative. The
// package, 390 MB when it is unpacked, goes.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

const PACKAGE = "node_modules/@octokit/openapi";
const USED = /^\/repos\/\{owner\}\/\{repo\}(\/(issues(\/\{issue_number\})?|labels(\/\{name\})?))?$/;

const whole = JSON.parse(readFileSync(`${PACKAGE}/generated/api.github.com.json`, "utf8"));
const { openapi, info, servers, paths } = whole;
const used = Object.fromEntries(Object.entries(paths).filter(([path]) => USED.test(path)));
const cut = { openapi, info, servers, paths: used, components: {} };

const seen = new Set();
function follow(value) {
  if (Array.isArray(value)) {
    value.forEach(follow);
  } else if (value !== null && typeof value === "object") {
    if (typeof value.$ref === "string" && !seen.has(value.$ref)) {
      seen.add(value.$ref);
      const [, components, kind, name] = value.$ref.split("/");
      const target = whole[components][kind][name];
      (cut.components[kind] ??= {})[name] = target;
      follow(target);
    }
    if (value.nullable === true && value.type === undefined) {
      const alternatives = value.oneOf ?? value.anyOf;
      // Prism adds the null to the values of its own accord.
      alternatives.push({ type: "string", nullable: true, enum: [] });
      delete value.nullable;
    }
    Object.values(value).forEach(follow);
  }
}
follow(used);

writeFileSync("description.json", JSON.stringify(cut));
rmSync(PACKAGE, { recursive: true });
