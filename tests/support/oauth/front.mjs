// The front of both servers: it passes every request on, counts those for tokens, and spoils their answers when a test
// wants that. A server behind it does not know of it.
//
// | request | answer |
// | --- | --- |
// | POST /control/connect {"client", "lifetime"} | the first tokens of a new connection |
// | POST /control/check {"token"} | {"current"}: whether an API has to take this access token |
// | POST /control/revoke {"token"} | the access token is taken no more |
// | POST /control/next {…} | what happens to the next token request that nothing was said of yet, see `spoil` |
// | GET /control/requests | the token requests so far, in the order of their arrival |
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const TOKEN_PATH = "/token";

// Starts a front and returns its address and a function that stops both servers. `behind(url)` is given the front's
// address, and returns the address of the server behind it, the three controls, and a function that stops that server.
export async function open(behind) {
  const requests = [];
  const plans = [];
  const front = createServer();
  await new Promise((listening) => front.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${front.address().port}`;
  const { inner, controls, close } = await behind(url);

  async function control(name, body) {
    switch (name) {
      case "requests":
        return requests;
      case "next":
        plans.push(body);
        return {};
      default:
        return controls[name](body);
    }
  }

  async function answer(request, response) {
    const body = await text(request);
    if (request.url.startsWith("/control/")) {
      const told = await control(request.url.slice("/control/".length), JSON.parse(body || "{}"));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(told));
      return;
    }
    const path = request.url.split("?")[0];
    if (path !== TOKEN_PATH) {
      send(response, await pass(inner, request, body));
      return;
    }
    // Noted on arrival: a request that is never answered counts too.
    const note = describe(request, body);
    requests.push(note);
    await spoil(plans.shift() ?? {}, response, note, () => pass(inner, request, body));
  }

  front.on("request", (request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  return {
    url,
    close() {
      stop(front);
      close();
    },
  };
}

// Stops a server, its connections included.
export function stop(server) {
  server.close();
  server.closeAllConnections();
}

// Answers a token request. A plan says what goes wrong:
//   instead {status, body, type, headers}   the server is not asked, this is the answer
//   garbled                                 the server did its work, and what arrives is no JSON
//   lost                                    the server did its work, and the connection ends without an answer
//   delay                                   the answer, whichever it is, comes so many milliseconds late
async function spoil(plan, response, note, ask) {
  let answered = plan.instead ? { type: "application/json", headers: {}, ...plan.instead } : await ask();
  note.status = answered.status;
  if (plan.garbled) {
    answered = { ...answered, type: "application/json", body: answered.body.slice(0, 12) };
  }
  if (plan.delay) {
    await sleep(plan.delay);
  }
  if (plan.lost) {
    note.answered = "lost";
    response.destroy();
    return;
  }
  note.answered = plan.instead ? "instead" : plan.garbled ? "garbled" : "whole";
  send(response, answered);
}

// What a test may want to know of a token request.
function describe(request, body) {
  const type = (request.headers["content-type"] ?? "").split(";")[0];
  const fields = type === "application/json" ? new Map(Object.entries(JSON.parse(body))) : new URLSearchParams(body);
  const basic = (request.headers.authorization ?? "").startsWith("Basic ");
  return {
    grant: fields.get("grant_type") ?? null,
    client: basic ? "basic" : fields.get("client_secret") ? "body" : "none",
    type,
    status: null,
    answered: null,
  };
}

async function pass(inner, request, body) {
  const headers = { ...request.headers };
  // Of the connection, not of the request.
  for (const name of ["host", "connection", "content-length", "transfer-encoding", "keep-alive", "expect"]) {
    delete headers[name];
  }
  const hasBody = !["GET", "HEAD"].includes(request.method);
  const answer = await fetch(inner + request.url, {
    method: request.method,
    headers,
    body: hasBody ? body : undefined,
    redirect: "manual",
  });
  const kept = [...answer.headers].filter(([name]) => name === "cache-control" || name === "www-authenticate");
  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "text/plain",
    headers: Object.fromEntries(kept),
    body: await answer.text(),
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
