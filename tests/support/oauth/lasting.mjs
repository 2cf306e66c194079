// npm's oauth2-mock-server, for tests/support/oauth.rs: a refresh token is good for ever, and no answer repeats it.
//
// The server takes everybody; who may have a token is decided here, in its hook.
import { randomUUID } from "node:crypto";
import mock from "oauth2-mock-server";
import { open } from "./front.mjs";

const CLIENTS = new Map(["basic", "post"].map((id) => [id, `${id}-secret`]));

// Starts a server whose token requests give access tokens of this lifetime, in seconds.
export const start = (lifetime) => open(async (url) => {
  const server = new mock.OAuth2Server();
  await server.issuer.keys.generate("ES256");
  await server.start(0, "127.0.0.1");
  server.issuer.url = url;
  const inner = `http://127.0.0.1:${server.address().port}`;

  // The connection of a refresh token; the newest access token of a connection, or of a client that has none; those that
  // were taken back; when one ends.
  const connections = new Map();
  const newest = new Map();
  const revoked = new Set();
  const ends = new Map();

  const note = (owner, token, seconds) => {
    newest.set(owner, token);
    ends.set(token, Date.now() + seconds * 1000);
  };

  // Two tokens of one second would else be the same.
  server.service.on("beforeTokenSigning", (token) => {
    token.payload.jti = randomUUID();
  });
  server.service.on("beforeResponse", (answer, request) => {
    const refuse = (statusCode, error) => Object.assign(answer, { statusCode, body: { error } });
    const id = clientOf(request);
    if (id === undefined) {
      refuse(401, "invalid_client");
      return;
    }
    delete answer.body.id_token;
    switch (request.body.grant_type) {
      case "authorization_code":
        connections.set(answer.body.refresh_token, randomUUID());
        break;
      case "refresh_token": {
        const connection = connections.get(request.body.refresh_token);
        if (connection === undefined) {
          refuse(400, "invalid_grant");
          return;
        }
        delete answer.body.refresh_token;
        answer.body.expires_in = lifetime;
        note(connection, answer.body.access_token, lifetime);
        break;
      }
      default:
        answer.body.expires_in = lifetime;
        note(id, answer.body.access_token, lifetime);
    }
  });

  const controls = {
    async connect({ client, lifetime: first }) {
      const credentials = { client_id: client, client_secret: CLIENTS.get(client) };
      const body = new URLSearchParams({ grant_type: "authorization_code", code: randomUUID(), ...credentials });
      const answer = await (await fetch(`${inner}/token`, { method: "POST", body })).json();
      const { access_token, refresh_token } = answer;
      note(connections.get(refresh_token), access_token, first);
      return { access_token, refresh_token, expires_in: first };
    },
    async check({ token }) {
      const living = Date.now() < (ends.get(token) ?? 0) && !revoked.has(token);
      return { current: living && [...newest.values()].includes(token) };
    },
    async revoke({ token }) {
      revoked.add(token);
      return {};
    },
  };
  return { inner, controls, close: () => server.stop().catch(console.error) };
});

// The client that a token request is of, if its secret is right.
function clientOf(request) {
  const header = request.headers.authorization ?? "";
  const decode = (text) => decodeURIComponent(text.replaceAll("+", " "));
  const [id, secret] = header.startsWith("Basic ")
    ? Buffer.from(header.slice("Basic ".length), "base64").toString("utf8").split(":").map(decode)
    : [request.body.client_id, request.body.client_secret];
  return secret !== undefined && CLIENTS.get(id) === secret ? id : undefined;
}
