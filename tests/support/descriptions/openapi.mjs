// Descriptions in the formats OpenAPI 3 and Swagger 2, as JSON or YAML.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { paths } from "./shape.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];

// Keys of a provider entry, and their names in OpenAPI.
const ADDRESSES = { authorization_url: "authorizationUrl", token_url: "tokenUrl", refresh_url: "refreshUrl" };

export function read(folder, files) {
  return files.map((file) => {
    const text = readFileSync(`${folder}/${file}`, "utf8");
    return describe(file.endsWith(".json") ? JSON.parse(text) : load(text));
  });
}

function describe(document) {
  const resolve = (value) => {
    let seen = 0;
    while (typeof value?.$ref === "string" && seen++ < 20) {
      value = value.$ref
        .slice(2)
        .split("/")
        .reduce((inner, key) => inner?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")], document);
    }
    return value;
  };

  // Returns the properties and items that a schema allows, with its alternatives and parts combined.
  const look = (schema, seen = new Set()) => {
    schema = resolve(schema);
    if (schema === undefined || schema === null || seen.has(schema)) {
      return {};
    }
    seen.add(schema);
    let names = Object.entries(schema.properties ?? {});
    let items = schema.items;
    for (const part of [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) {
      const looked = look(part, seen);
      names = names.concat(looked.names ?? []);
      items ??= looked.items;
    }
    return { names, items };
  };
  const lookAtExample = (value) => {
    if (Array.isArray(value)) {
      return { items: value[0] ?? null };
    }
    return value !== null && typeof value === "object" ? { names: Object.entries(value) } : {};
  };

  const media = (content) => {
    const types = Object.entries(content ?? {});
    return (types.find(([type]) => type.includes("json")) ?? types.find(([type]) => type.includes("form")) ?? types[0])?.[1];
  };
  const responseOf = (responses) => {
    const [, response] = Object.entries(responses ?? {}).find(([status]) => /^(2|default)/i.test(status)) ?? [];
    const success = resolve(response);
    const body = success?.schema ? success : media(success?.content);
    const found = new Set(paths(body?.schema, look));
    // If a schema does not define the content of a response, an example often shows it.
    const examples = [body?.example, ...Object.values(body?.examples ?? {}).map((one) => resolve(one)?.value)];
    for (const example of [...examples, ...Object.values(success?.examples ?? {})]) {
      paths(example, lookAtExample).forEach((path) => found.add(path));
    }
    const headers = Object.keys(success?.headers ?? {}).map((name) => name.toLowerCase());
    return { response: [...found], headers };
  };

  const { schemes = ["https"], host, basePath = "" } = document;
  const ofSwagger = host ? [{ url: `${schemes[0]}://${host}${basePath}` }] : [];
  const urls = (servers) => (servers ?? []).map(filled);
  const servers = urls(document.servers ?? ofSwagger);
  const operations = [];
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS.filter((method) => item[method])) {
      const operation = item[method];
      const own = urls(operation.servers ?? item.servers);
      servers.push(...own);
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
      const named = (location) => parameters.filter((parameter) => parameter?.in === location).map(({ name }) => name);
      const body = media(resolve(operation.requestBody)?.content)?.schema ?? parameters.find((one) => one?.in === "body")?.schema;
      operations.push({
        method: method.toUpperCase(),
        path: pathOf(own[0] ?? servers[0] ?? "") + path,
        query: [...new Set(named("query"))],
        body: [...new Set([...paths(body, look), ...named("formData")])].filter((path) => !path.includes("[]")),
        ...responseOf(operation.responses),
      });
    }
  }

  const signIn = [];
  const security = document.components?.securitySchemes ?? document.securityDefinitions ?? {};
  for (const scheme of Object.values(security)) {
    for (const flow of [scheme, ...Object.values(scheme?.flows ?? {})]) {
      for (const [kind, key] of Object.entries(ADDRESSES)) {
        signIn.push(...(flow?.[key] ? [`${kind} ${flow[key]}`] : []));
      }
    }
  }
  return { servers, signIn, operations };
}

// Returns a server's address with the default values of its variables.
function filled({ url, variables = {} }) {
  return url.replace(/\{(\w+)\}/g, (all, name) => variables[name]?.default ?? all);
}

// Returns the path of an address, which may have no scheme or host.
function pathOf(url) {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/\/$/, "");
}
