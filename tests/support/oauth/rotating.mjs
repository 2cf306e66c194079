// npm's oidc-provider, for tests/support/oauth.rs: a refresh token can be used once, and its reuse revokes the whole
// grant. All data is kept in memory.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import MemoryAdapter, { setStorage } from "oidc-provider/lib/adapters/memory_adapter.js";
import { open, stop } from "./proxy.mjs";

// All servers of a process share this storage (every key contains a random id). The default one drops the oldest entries.
setStorage(new Map());

const SCOPE = "offline_access api";
const HOUR = 60 * 60;

const client = (id, method) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  redirect_uris: ["http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  response_types: ["code"],
  token_endpoint_auth_method: method,
  id_token_signed_response_alg: "ES256",
});

function configuration(lifetime) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    // The default adapter, set explicitly because the provider prints a warning otherwise.
    adapter: (model) => new MemoryAdapter(model),
    clockTolerance: 0,
    clients: [client("basic", "client_secret_basic"), client("post", "client_secret_post")],
    scopes: SCOPE.split(" "),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
    cookies: { keys: [randomUUID()] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    rotateRefreshToken: true,
    ttl: { AccessToken: () => lifetime, ClientCredentials: () => lifetime, RefreshToken: HOUR, Grant: HOUR },
  };
}

// Starts a server whose token requests return access tokens with this lifetime, in seconds.
export const start = (lifetime) => open(async (url) => {
  const provider = new Provider(url, configuration(lifetime));
  // The newest access token of each grant, and of each client without a grant.
  const newest = new Map();
  provider.on("access_token.saved", (token) => newest.set(token.grantId, token.jti));
  provider.on("client_credentials.saved", (token) => newest.set(token.clientId, token.jti));
  provider.on("server_error", (_, error) => console.error(error));

  const controls = {
    // Creates the tokens that an authorization in a browser would return.
    async connect({ client: clientId, lifetime: first }) {
      const accountId = randomUUID();
      const client = await provider.Client.find(clientId);
      const grant = new provider.Grant({ accountId, clientId });
      grant.addOIDCScope(SCOPE);
      const grantId = await grant.save();
      const common = { accountId, client, grantId, gty: "authorization_code", scope: SCOPE };
      const access = new provider.AccessToken({ ...common, expiresIn: first });
      const refresh = new provider.RefreshToken({ ...common, rotations: 0 });
      return { access_token: await access.save(), refresh_token: await refresh.save(), expires_in: first };
    },
    async check({ token }) {
      const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      return { current: found !== undefined && newest.get(found.grantId ?? found.clientId) === token };
    },
    async revoke({ token }) {
      const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      await found?.destroy();
      return {};
    },
  };

  const server = createServer(provider.callback());
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const inner = `http://127.0.0.1:${server.address().port}`;
  return { inner, controls, close: () => stop(server) };
});
