// npm's oauth2-mock-server, for tests/support/oauth.rs: a refresh token does not expire, and no response repeats it.
//
// The server itself accepts every client; this module checks clients in a hook of the server.
import { randomUUID } from "node:crypto";
import mock from "oauth2-mock-server";
import { open } from "./proxy.mjs";

const CLIENTS = new Map(["basic", "post"].map((id) => [id, `${id}-secret`]));

// Starts a server whose token requests return access tokens with this lifetime, in seconds.
export const start = (lifetime) => open(async (url) => {
  const server = new mock.OAuth2Server();
  await server.issuer.keys.generate("ES256");
  await server.start(0, "127.0.0.1");
  server.issuer.url = url;
  const inner = `http://127.0.0.1:${server.address().port}`;

  // The connection of each refresh token; the newest access token of each connection, or of a client without a
  // connection; revoked access tokens; the expiry of each access token in milliseconds since 1970.
  const connections = new Map();
  const newest = new Map();
  const revoked = new Set();
  const expiries = new Map();

  const storeToken = (owner, token, seconds) => {
    newest.set(owner, token);
    expiries.set(token, Date.now() + seconds * 1000);
  };

  // Otherwise two tokens of the same second would be equal.
  server.service.on("beforeTokenSigning", (token) => {
    token.payload.jti = randomUUID();
  });
  server.service.on("beforeResponse", (reply, request) => {
    const refuse = (statusCode, error) => Object.assign(reply, { statusCode, body: { error } });
    const id = clientOf(request);
    if (id === undefined) {
      refuse(401, "invalid_client");
      return;
    }
    delete reply.body.id_token;
    switch (request.body.grant_type) {
      case "authorization_code":
        connections.set(reply.body.refresh_token, randomUUID());
        break;
      case "refresh_token": {
        const connection = connections.get(request.body.refresh_token);
        if (connection === undefined) {
          refuse(400, "invalid_grant");
          return;
        }
        delete reply.body.refresh_token;
        reply.body.expires_in = lifetime;
        storeToken(connection, reply.body.access_token, lifetime);
        break;
      }
      default:
        reply.body.expires_in = lifetime;
        storeToken(id, reply.body.access_token, lifetime);
    }
  });

  const controls = {
    async connect({ client, lifetime: first }) {
      const credentials = { client_id: client, client_secret: CLIENTS.get(client) };
      const body = new URLSearchParams({ grant_type: "authorization_code", code: randomUUID(), ...credentials });
      const tokens = await (await fetch(`${inner}/token`, { method: "POST", body })).json();
      const { access_token, refresh_token } = tokens;
      storeToken(connections.get(refresh_token), access_token, first);
      return { access_token, refresh_token, expires_in: first };
    },
    async check({ token }) {
      const isValid = Date.now() < (expiries.get(token) ?? 0) && !revoked.has(token);
      return { current: isValid && [...newest.values()].includes(token) };
    },
    async revoke({ token }) {
      revoked.add(token);
      return {};
    },
  };
  return { inner, controls, close: () => server.stop().catch(console.error) };
});

// Returns the client id of a token request if its secret is correct.
function clientOf(request) {
  const header = request.headers.authorization ?? "";
  const decode = (text) => decodeURIComponent(text.replaceAll("+", " "));
  const [id, secret] = header.startsWith("Basic ")
    ? Buffer.from(header.slice("Basic ".length), "base64").toString("utf8").split(":").map(decode)
    : [request.body.client_id, request.body.client_secret];
  return secret !== undefined && CLIENTS.get(id) === secret ? id : undefined;
}
