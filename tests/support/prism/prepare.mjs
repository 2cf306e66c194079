// Reduces GitHub's API description (13 MB, 811 paths) to the paths that the integration uses, for
// tests/support/prism.rs: reading the complete one takes eleven seconds each time.
//
// The remaining paths keep everything that they refer to. One change is made: prism's validator does not support
// `nullable` next to alternatives, and then accepts every body; it becomes one more alternative. The package, 390 MB
// unpacked, is removed.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

const PACKAGE = "node_modules/@octokit/openapi";
const USED = /^\/repos\/\{owner\}\/\{repo\}(\/(issues(\/\{issue_number\})?|labels(\/\{name\})?))?$/;

const complete = JSON.parse(readFileSync(`${PACKAGE}/generated/api.github.com.json`, "utf8"));
const { openapi, info, servers, paths } = complete;
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
      const target = complete[components][kind][name];
      (cut.components[kind] ??= {})[name] = target;
      follow(target);
    }
    if (value.nullable === true && value.type === undefined) {
      const alternatives = value.oneOf ?? value.anyOf;
      // Prism itself adds null to the values.
      alternatives.push({ type: "string", nullable: true, enum: [] });
      delete value.nullable;
    }
    Object.values(value).forEach(follow);
  }
}
follow(used);

writeFileSync("description.json", JSON.stringify(cut));
rmSync(PACKAGE, { recursive: true });
