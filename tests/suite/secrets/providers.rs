//! Provider entries for the tests of secrets.

/// Entries of every auth mode; `URL` is the server of the test.
pub(super) const PROVIDERS: &str = r"
key:
  auth_mode: API_KEY
  proxy:
    base_url: 'URL'
    headers: { x-api-key: '${apiKey}' }
    query: { k: '${apiKey}' }
    verification: { endpoints: [/me] }
path-key:
  auth_mode: API_KEY
  proxy: { base_url: 'URL/bot${apiKey}', verification: { endpoints: [/me] } }
basic:
  auth_mode: BASIC
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
plugin:
  auth_mode: INSTALL_PLUGIN
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
refresh:
  auth_mode: OAUTH2
  token_url: URL/token
  proxy: { base_url: 'URL' }
client:
  auth_mode: OAUTH2_CC
  token_url: URL/token
  token_request_auth_method: basic
  proxy: { base_url: 'URL' }
login:
  auth_mode: TWO_STEP
  token_url: URL/token
  token_params: { user: '${credentials.user}', pass: '${credentials.pass}' }
  token_response: { token: access_token }
  proxy: { base_url: 'URL', headers: { authorization: 'Token ${accessToken}' } }
  credentials: { user: { title: User }, pass: { title: Password, secret: true } }
jwt:
  auth_mode: JWT
  signature: { protocol: HMAC, hmac_secret_encoding: utf8 }
  token: { signing_key: '${credentials.key}', expires_in_ms: 60000, header: { alg: HS256 }, payload: { aud: api } }
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
  credentials: { key: { title: Key, secret: true } }
signature:
  auth_mode: SIGNATURE
  signature: { protocol: WSSE }
  token: { expires_in_ms: 60000 }
  proxy: { base_url: 'URL', headers: { x-wsse: '${accessToken}' }, verification: { endpoints: [/me] } }
oauth1:
  auth_mode: OAUTH1
  signature_method: HMAC-SHA1
  request_url: URL/request
  authorization_url: URL/authorize
  token_url: URL/token
  proxy: { base_url: 'URL' }
tba:
  auth_mode: TBA
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
  connection_config: { accountId: { title: Account } }
aws:
  auth_mode: AWS_SIGV4
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
bill:
  auth_mode: BILL
  proxy: { base_url: 'URL', headers: { sessionid: '${credentials.session_id}', devkey: '${credentials.dev_key}' } }
app:
  auth_mode: APP
  token_url: URL/token
  proxy: { base_url: 'URL' }
custom:
  auth_mode: CUSTOM
  token_url: { OAUTH2: URL/token, APP: URL/token }
  proxy: { base_url: 'URL' }
mcp:
  auth_mode: MCP_OAUTH2
  token_url: URL/token
  proxy: { base_url: 'URL' }
mcp-generic:
  auth_mode: MCP_OAUTH2_GENERIC
  token_url: URL/token
  proxy: { base_url: 'URL' }
configured:
  auth_mode: NONE
  proxy: { base_url: 'URL', headers: { x-developer: '${connectionConfig.developer}' } }
  connection_config: { developer: { title: Developer, secret: true } }
";
