// Nango's client for Node, for tests/support/nango_client.rs.
//
// POST / with { options, method, arguments } creates a client and calls one of its methods. The response has the result
// in `value`, or the error in `error`: its message, and the status and body of the response if there was one.
//
// Its one line on stdout is the address, printed when it accepts requests. It ends when its stdin is closed, and
// therefore when the test process ends for any reason.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Nango } from "@nangohq/node";

// Several methods return the response of the HTTP library instead of its body.
function plain(value) {
  const isResponse = value && typeof value === "object" && "status" in value && "headers" in value && "data" in value;
  return isResponse ? { status: value.status, data: value.data ?? null } : value;
}

async function call({ options, method, arguments: values }) {
  try {
    const client = new Nango(options);
    return { value: plain(await client[method](...values)) ?? null };
  } catch (error) {
    const response = error.response && { status: error.response.status, data: error.response.data };
    return { error: { message: error.message, ...response } };
  }
}

const server = createServer(async (request, response) => {
  const result = await call(await json(request));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(result));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
