// Stoplight's prism with GitHub's description of its API, for tests/support/prism.rs: it answers with the examples of
// the description, and refuses what the description does not allow.
//
// A front keeps what was asked and what prism said of it (GET /control/requests), and makes two things fit. GitHub
// recommends a media type that its description does not name: it is the one of plain JSON here. And the examples link to
// pages at GitHub itself: here the first page of a list links to the second one, which has other records and is the last.
//
// Its one line on stdout is the address, printed when it answers. It ends when its stdin does, and so with the test
// process that holds the other end, however that process ends.
import { createServer } from "node:http";
import prismCore from "@stoplight/prism-core";
import prismHttp from "@stoplight/prism-http";
import prismServer from "@stoplight/prism-http-server";

const RECOMMENDED = "application/vnd.github+json";

const operations = await prismHttp.getHttpOperationsFromSpec("description.json");
const prism = prismServer.createServer(operations, {
  components: { logger: prismCore.createLogger("prism", { level: "silent" }) },
  config: {
    checkSecurity: true,
    validateRequest: true,
    validateResponse: true,
    errors: false,
    mock: { dynamic: false },
    isProxy: false,
    upstreamProxy: undefined,
  },
  cors: false,
});
const inner = await prism.listen(0, "127.0.0.1");

const requests = [];
const front = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
});

async function answer(request, response) {
  if (request.url === "/control/requests") {
    response.end(JSON.stringify(requests));
    return;
  }
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const { method, url, headers } = request;
  const { host, connection, "content-length": length, "transfer-encoding": coding, ...passed } = headers;
  if (passed.accept === RECOMMENDED) {
    passed.accept = "application/json";
  }
  const answered = await fetch(inner + url, { method, headers: passed, body: body.length ? body : undefined });
  const text = await answered.text();
  const type = answered.headers.get("content-type");
  // What no operation fits is a problem of prism's own; what an operation does not allow is told beside the answer.
  const problem = type?.startsWith("application/problem+json") ? [{ message: JSON.parse(text).title }] : [];
  const told = JSON.parse(answered.headers.get("sl-violations") ?? "[]");
  const violations = [...problem, ...told.filter(({ location }) => location[0] === "request")];
  requests.push({ method, target: url, status: answered.status, violations: violations.map(({ message }) => message) });
  response.statusCode = answered.status;
  if (type) {
    response.setHeader("content-type", type);
  }
  const address = new URL(url, `http://${host}`);
  const isLater = address.searchParams.has("page");
  if (answered.headers.has("link") && !isLater) {
    address.searchParams.set("page", "2");
    response.setHeader("link", `<${address}>; rel="next"`);
  }
  response.end(isLater ? otherRecords(text) : text);
}

// The description has one example of a list: a later page repeats it with other ids, as no list has a record twice.
function otherRecords(text) {
  const list = JSON.parse(text);
  return Array.isArray(list) ? JSON.stringify(list.map((record) => ({ ...record, id: record.id + 1 }))) : text;
}

front.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${front.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
