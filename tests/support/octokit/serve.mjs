// Serves recorded GitHub traffic on a free port of 127.0.0.1, for tests/support/octokit.rs.
//
// Its one line on stdout is the address, printed when it accepts requests. It ends when its stdin is closed, and
// therefore when the test process ends for any reason.
import express from "express";
import recordings from "@octokit/fixtures-server";

const TEN_MINUTES = 10 * 60 * 1000;

const app = express();
const server = app.listen(0, "127.0.0.1", (error) => {
  if (error) {
    throw error;
  }
  const address = `http://127.0.0.1:${server.address().port}`;
  app.use(recordings({ fixturesUrl: address, logLevel: "silent", ttl: TEN_MINUTES }));
  console.log(address);
});

process.stdin.resume().on("end", () => process.exit(0));
