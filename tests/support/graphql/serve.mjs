// An issue tracker with a GraphQL API, for tests/support/graphql.rs: the part of Linear's public schema that lists
// issues, executed by npm's `graphql`, which validates each query and its variables.
//
// PUT /control/issues replaces the issues, and PUT /control/failing names the field of an issue that fails for the
// issues with these ids. GET /control/requests returns the variables of the queries so far.
//
// Its one line on stdout is the address, printed when it accepts requests. It ends when its stdin is closed, and
// therefore when the test process ends for any reason.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { buildSchema, execute, parse, validate } from "graphql";

const schema = buildSchema(`
  scalar DateTime
  scalar DateTimeOrDuration
  scalar TimelessDate
  enum PaginationOrderBy { createdAt updatedAt }
  input DateComparator { eq: DateTimeOrDuration gt: DateTimeOrDuration gte: DateTimeOrDuration lt: DateTimeOrDuration lte: DateTimeOrDuration }
  input IDComparator { eq: ID in: [ID!] neq: ID nin: [ID!] }
  input StringComparator { eq: String in: [String!] neq: String contains: String }
  input TeamFilter { id: IDComparator key: StringComparator name: StringComparator }
  input WorkflowStateFilter { id: IDComparator name: StringComparator type: StringComparator }
  input IssueFilter { id: IDComparator team: TeamFilter state: WorkflowStateFilter updatedAt: DateComparator createdAt: DateComparator and: [IssueFilter!] or: [IssueFilter!] }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type User { id: ID! name: String! displayName: String! email: String! active: Boolean! }
  type Team { id: ID! key: String! name: String! }
  type WorkflowState { id: ID! name: String! type: String! color: String! }
  type IssueLabel { id: ID! name: String! color: String! }
  type IssueLabelConnection { nodes: [IssueLabel!]! pageInfo: PageInfo! }
  type Issue {
    id: ID! identifier: String! number: Float! title: String! description: String url: String! priority: Float! priorityLabel: String!
    estimate: Float branchName: String! createdAt: DateTime! updatedAt: DateTime! startedAt: DateTime completedAt: DateTime
    canceledAt: DateTime archivedAt: DateTime dueDate: TimelessDate trashed: Boolean
    state: WorkflowState! team: Team! assignee: User creator: User labels(first: Int, after: String): IssueLabelConnection!
  }
  type IssueEdge { cursor: String! node: Issue! }
  type IssueConnection { edges: [IssueEdge!]! nodes: [Issue!]! pageInfo: PageInfo! }
  type Query {
    viewer: User!
    issues(filter: IssueFilter, first: Int, after: String, last: Int, before: String, includeArchived: Boolean, orderBy: PaginationOrderBy): IssueConnection!
  }
`);

const state = { issues: [], failing: { field: "", ids: [] }, requests: [] };

// Completes an issue of the test with values for all other fields.
function issue(given) {
  const date = given.updatedAt ?? "2026-11-01T00:00:00.000Z";
  const value = {
    identifier: `ENG-${given.id}`, number: 1, title: "An issue", url: "https://linear.test/ENG-1", priority: 0, priorityLabel: "No priority",
    branchName: "eng-1", createdAt: date, updatedAt: date, state: { id: "s", name: "Todo", type: "unstarted", color: "#fff" },
    team: { id: "team-1", key: "ENG", name: "Engineering" }, assignee: null, labels: { nodes: [], pageInfo: { hasNextPage: false, hasPreviousPage: false } },
    ...given,
  };
  if (state.failing.ids.includes(given.id)) {
    value[state.failing.field] = () => {
      throw new Error(`the field ${state.failing.field} of ${given.id} could not be loaded`);
    };
  }
  return value;
}

function issues({ filter, first = 50, after }) {
  if (first < 1 || first > 250) throw new Error("first must be between 1 and 250");
  const since = filter?.updatedAt?.gte;
  const key = filter?.team?.key?.eq;
  const id = filter?.team?.id?.eq;
  const listed = state.issues
    .map(issue)
    .filter((each) => !since || Date.parse(each.updatedAt) >= Date.parse(since))
    .filter((each) => (!key || each.team.key === key) && (!id || each.team.id === id));
  const start = after ? listed.findIndex((each) => `cursor-${each.id}` === after) + 1 : 0;
  if (after && start === 0) throw new Error("the cursor is not valid");
  const nodes = listed.slice(start, start + first);
  const cursor = (each) => (each ? `cursor-${each.id}` : null);
  const pageInfo = {
    hasNextPage: start + first < listed.length, hasPreviousPage: start > 0, startCursor: cursor(nodes[0]), endCursor: cursor(nodes.at(-1)),
  };
  return { nodes, edges: nodes.map((node) => ({ node, cursor: cursor(node) })), pageInfo };
}

const rootValue = { issues, viewer: { id: "u", name: "Ada", displayName: "ada", email: "ada@example.com", active: true } };

async function respond(request) {
  const body = await text(request);
  if (request.url.startsWith("/control/")) {
    const name = request.url.slice("/control/".length);
    if (request.method === "PUT") state[name] = JSON.parse(body);
    return [200, state[name]];
  }
  if (request.method !== "POST" || request.url !== "/graphql") return [404, { errors: [{ message: "not found" }] }];
  if (!request.headers["content-type"]?.startsWith("application/json")) return [400, { errors: [{ message: "the content type must be application/json" }] }];
  if (request.headers.authorization !== "Bearer lin_test") {
    return [401, { errors: [{ message: "Authentication required, not authenticated" }] }];
  }
  const { query, variables } = JSON.parse(body);
  state.requests.push(variables ?? null);
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length > 0) return [400, { errors }];
  return [200, await execute({ schema, document, rootValue, variableValues: variables })];
}

const server = createServer((request, response) => {
  respond(request).then(
    ([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
    (error) => response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ errors: [{ message: String(error) }] })),
  );
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
process.stdin.resume().on("end", () => process.exit(0));
console.log(`http://127.0.0.1:${server.address().port}`);
