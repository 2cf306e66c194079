// Proxy in front of an authorization server: it forwards all requests, records token requests, and delays, replaces,
// truncates or drops their responses on request of a test. The server behind it needs no change.
//
// | request | response |
// | --- | --- |
// | POST /control/connect {"client", "lifetime"} | the first tokens of a new connection |
// | POST /control/check {"token"} | {"current"}: whether an API has to accept this access token |
// | POST /control/revoke {"token"} | the access token is not accepted any more |
// | POST /control/next {…} | queues the response to a token request, see `respondToTokenRequest` |
// | GET /control/requests | the token requests so far, in order of arrival |
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const TOKEN_PATH = "/token";

// Starts a proxy. Returns its address and a function that stops both servers. `startServer(url)` receives the proxy's
// address, and returns the address of the server behind it, its three controls, and a function that stops that server.
export async function open(startServer) {
  const requests = [];
  const queued = [];
  const proxy = createServer();
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${proxy.address().port}`;
  const { inner, controls, close } = await startServer(url);

  async function control(name, body) {
    switch (name) {
      case "requests":
        return requests;
      case "next":
        queued.push(body);
        return {};
      default:
        return controls[name](body);
    }
  }

  async function handle(request, response) {
    const body = await text(request);
    if (request.url.startsWith("/control/")) {
      const result = await control(request.url.slice("/control/".length), JSON.parse(body || "{}"));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(result));
      return;
    }
    const path = request.url.split("?")[0];
    if (path !== TOKEN_PATH) {
      send(response, await forward(inner, request, body));
      return;
    }
    // Recorded on arrival, so that a request without a response counts too.
    const record = describe(request, body);
    requests.push(record);
    await respondToTokenRequest(queued.shift() ?? {}, response, record, () => forward(inner, request, body));
  }

  proxy.on("request", (request, response) => {
    handle(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  return {
    url,
    close() {
      stop(proxy);
      close();
    },
  };
}

// Stops a server and closes its connections.
export function stop(server) {
  server.close();
  server.closeAllConnections();
}

// Responds to a token request as `fault` describes:
//   replaced {status, body, type, headers}   the request is not forwarded, this is the response
//   truncated                                the server processes the request, and the client receives invalid JSON
//   lost                                     the server processes the request, and the connection closes without a response
//   delay                                    any response is delayed by this number of milliseconds
async function respondToTokenRequest(fault, response, record, forwardRequest) {
  let result = fault.replaced ? { type: "application/json", headers: {}, ...fault.replaced } : await forwardRequest();
  record.status = result.status;
  if (fault.truncated) {
    result = { ...result, type: "application/json", body: result.body.slice(0, 12) };
  }
  if (fault.delay) {
    await sleep(fault.delay);
  }
  if (fault.lost) {
    record.outcome = "lost";
    response.destroy();
    return;
  }
  record.outcome = fault.replaced ? "replaced" : fault.truncated ? "truncated" : "complete";
  send(response, result);
}

// Returns the properties of a token request that tests check.
function describe(request, body) {
  const type = (request.headers["content-type"] ?? "").split(";")[0];
  const fields = type === "application/json" ? new Map(Object.entries(JSON.parse(body))) : new URLSearchParams(body);
  const basic = (request.headers.authorization ?? "").startsWith("Basic ");
  return {
    grant_type: fields.get("grant_type") ?? null,
    client_auth: basic ? "basic" : fields.get("client_secret") ? "body" : "none",
    media_type: type,
    status: null,
    outcome: null,
  };
}

async function forward(inner, request, body) {
  const headers = { ...request.headers };
  // These headers belong to the connection, not to the request.
  for (const name of ["host", "connection", "content-length", "transfer-encoding", "keep-alive", "expect"]) {
    delete headers[name];
  }
  const hasBody = !["GET", "HEAD"].includes(request.method);
  const received = await fetch(inner + request.url, {
    method: request.method,
    headers,
    body: hasBody ? body : undefined,
    redirect: "manual",
  });
  const kept = [...received.headers].filter(([name]) => name === "cache-control" || name === "www-authenticate");
  return {
    status: received.status,
    type: received.headers.get("content-type") ?? "text/plain",
    headers: Object.fromEntries(kept),
    body: await received.text(),
  };
}

function send(response, { status, type, headers, body }) {
  response.writeHead(status, { ...headers, "content-type": type });
  response.end(body);
}

export async function text(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
