// Starts authorization servers of one kind, each on a port of its own, for tests/support/oauth.rs. Loading the packages
// takes a second of CPU time, which all servers of a test process share.
//
// Its argument is the module of the kind: `rotating` or `non_rotating`. Its one line on stdout is its own address, with:
//
// | request | response |
// | --- | --- |
// | POST /start {"lifetime"} | {"url"}: the address of a new server |
// | POST /stop {"url"} | stops it |
//
// The process ends when its stdin is closed, and therefore when the test process ends for any reason.
import { createServer } from "node:http";
import { text } from "./proxy.mjs";

const { start } = await import(`./${process.argv[2]}.mjs`);
const running = new Map();

async function handle(request) {
  const body = JSON.parse(await text(request));
  if (request.url === "/start") {
    const server = await start(body.lifetime);
    running.set(server.url, server);
    return { url: server.url };
  }
  running.get(body.url).close();
  running.delete(body.url);
  return {};
}

const control = createServer((request, response) => {
  handle(request).then(
    (result) => response.end(JSON.stringify(result)),
    (error) => {
      console.error(error);
      response.destroy();
    },
  );
});
await new Promise((listening) => control.listen(0, "127.0.0.1", listening));
process.stdin.resume().on("end", () => process.exit(0));
console.log(`http://127.0.0.1:${control.address().port}`);
