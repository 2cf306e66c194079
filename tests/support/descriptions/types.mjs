// TypeScript declarations generated from a description: one type with all paths (`Paths`), or one per operation, whose
// name ends with `Data` and which contains its `url`, with a separate type of its responses (`…Responses`).
import { readFileSync } from "node:fs";
import ts from "typescript";
import { paths } from "./shape.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];

export function read(folder, files) {
  const programs = files.filter((file) => /\.m?js$/.test(file));
  const text = (file) => readFileSync(`${folder}/${file}`, "utf8");
  const types = declarations(files.filter((file) => !programs.includes(file)).map(text));
  const methods = new Map(programs.flatMap((file) => methodsIn(text(file))));
  const reader = readerOf(types);
  const operations = types.has("Paths") ? fromPaths(types.get("Paths"), reader) : fromEach(types, methods, reader);
  return [{ servers: [], signIn: [], operations }];
}

// Returns the types that texts declare, by name.
export function declarations(texts) {
  const types = new Map();
  for (const text of texts) {
    for (const statement of ts.createSourceFile("", text, ts.ScriptTarget.Latest).statements) {
      if (ts.isTypeAliasDeclaration(statement)) {
        types.set(statement.name.text, statement.type);
      } else if (ts.isInterfaceDeclaration(statement) || ts.isClassDeclaration(statement)) {
        types.set(statement.name.text, statement);
      }
    }
  }
  return types;
}

// Returns functions that read types for ./shape.mjs. A type is a node or the name of one.
export function readerOf(types) {
  const look = (node, seen = new Set()) => {
    node = typeof node === "string" ? types.get(node) : node;
    if (node === undefined || seen.has(node)) {
      return {};
    }
    seen.add(node);
    if (ts.isParenthesizedTypeNode(node)) {
      return look(node.type, seen);
    }
    if (ts.isArrayTypeNode(node)) {
      return { items: node.elementType };
    }
    if (ts.isTypeReferenceNode(node)) {
      const { text: name } = node.typeName.right ?? node.typeName;
      const [inner] = node.typeArguments ?? [];
      const given = { Array: { items: inner }, Maybe: look(inner, seen) };
      return given[name] ?? look(types.get(name), seen);
    }
    if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) {
      const parts = node.types.map((part) => look(part, seen));
      return { names: parts.flatMap(({ names = [] }) => names), items: parts.find(({ items }) => items)?.items };
    }
    if (node.members !== undefined) {
      const hiding = [ts.SyntaxKind.StaticKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.PrivateKeyword];
      const isHidden = ({ modifiers = [] }) => modifiers.some(({ kind }) => hiding.includes(kind));
      const isProperty = (member) => ts.isPropertySignature(member) || ts.isPropertyDeclaration(member);
      const members = node.members.filter((member) => isProperty(member) && !isHidden(member));
      const own = members.filter(({ name }) => !ts.isPrivateIdentifier(name)).map((member) => [member.name.text, member.type]);
      const parents = (node.heritageClauses ?? []).flatMap(({ types }) => types.map(({ expression }) => expression.text));
      return { names: [...own, ...parents.flatMap((parent) => look(parent, seen).names ?? [])] };
    }
    return {};
  };
  const names = (node) => look(node).names ?? [];
  const member = (node, name) => names(node).find(([found]) => found === name)?.[1];
  const success = (node) => names(node).find(([status]) => String(status).startsWith("2"))?.[1];
  return { look, names, member, success };
}

function fromPaths(all, { look, names, member, success }) {
  return names(all).flatMap(([path, item]) =>
    names(item)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        query: names(member(member(operation, "parameters"), "query")).map(([name]) => name),
        body: names(member(operation, "requestBody")).map(([name]) => name),
        response: paths(success(member(operation, "responses")), look),
        headers: [],
      })),
  );
}

function fromEach(types, methods, { look, names, member, success }) {
  const operations = [];
  for (const [name, type] of types) {
    const url = name.endsWith("Data") ? member(type, "url")?.literal?.text : undefined;
    if (url === undefined) {
      continue;
    }
    const stem = name.slice(0, -"Data".length);
    const method = methods.get(stem.toLowerCase());
    if (method === undefined) {
      continue;
    }
    operations.push({
      method,
      path: url,
      query: names(member(type, "query")).map(([name]) => name),
      body: names(member(type, "body")).map(([name]) => name),
      response: paths(success(types.get(`${stem}Responses`)), look),
      headers: [],
    });
  }
  return operations;
}

// Only the program contains the methods: `listThings = (options) => (…).get({`.
function methodsIn(text) {
  const functions = text.matchAll(/(\w+) ?= ?\([^)]*\) ?=>[^;]{0,80}?\.(get|post|put|patch|delete)\(/g);
  return [...functions].map(([, name, method]) => [name.toLowerCase(), method.toUpperCase()]);
}
