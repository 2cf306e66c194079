// Stoplight's prism with GitHub's API description, for tests/support/prism.rs: it responds with the examples of the
// description, and refuses requests that violate it.
//
// A proxy in front of it records requests with their violations (GET /control/requests), and adapts two things. GitHub
// recommends a media type that its description does not contain; it is treated as plain JSON. And the examples link to
// pages at GitHub itself; here the first page of a list links to a second one, which has other records and is the last.
//
// Its one line on stdout is the address, printed when it accepts requests. It ends when its stdin is closed, and
// therefore when the test process ends for any reason.
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
const proxy = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
});

async function handle(request, response) {
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
  const received = await fetch(inner + url, { method, headers: passed, body: body.length ? body : undefined });
  const text = await received.text();
  const type = received.headers.get("content-type");
  // A request without a matching operation is a problem of its own; violations of an operation are in a header of the
  // response.
  const problem = type?.startsWith("application/problem+json") ? [{ message: JSON.parse(text).title }] : [];
  const reported = JSON.parse(received.headers.get("sl-violations") ?? "[]");
  const violations = [...problem, ...reported.filter(({ location }) => location[0] === "request")];
  requests.push({ method, target: url, status: received.status, violations: violations.map(({ message }) => message) });
  response.statusCode = received.status;
  if (type) {
    response.setHeader("content-type", type);
  }
  const address = new URL(url, `http://${host}`);
  const isLater = address.searchParams.has("page");
  if (received.headers.has("link") && !isLater) {
    address.searchParams.set("page", "2");
    response.setHeader("link", `<${address}>; rel="next"`);
  }
  response.end(isLater ? otherRecords(text) : text);
}

// The description has one example of a list: a later page repeats it with other ids, because no list has a record
// twice.
function otherRecords(text) {
  const list = JSON.parse(text);
  return Array.isArray(list) ? JSON.stringify(list.map((record) => ({ ...record, id: record.id + 1 }))) : text;
}

proxy.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${proxy.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
