// A provider to sign in with: `oidc-provider` as published, with its development pages for people to sign in on.
//
//     node oidc_provider.mjs FOLDER-OF-PACKAGES REDIRECT-URI
//
// It prints its issuer, and ends when its standard input does. Anybody may sign in, by any name and password:
// the name is the subject and the preferred username, "verified-…" has a verified e-mail address.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, redirectUri] = process.argv.slice(2);
const { Provider } = await import(
  pathToFileURL(createRequire(`${packages}/`).resolve("oidc-provider")).href
);

const client = (id, method) => ({
  client_id: id,
  client_secret: `secret of ${id}, with a colon: and a plus+`,
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: method,
});

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client("by-header", "client_secret_basic"), client("by-form", "client_secret_post")],
    claims: { openid: ["sub"], profile: ["preferred_username", "number"], email: ["email", "email_verified"] },
    pkce: { required: () => false },
    findAccount: (_, name) => ({
      accountId: name,
      claims: () => ({
        sub: `subject of ${name}`,
        preferred_username: name,
        number: name.length,
        email: `${name}@example.org`,
        email_verified: name.startsWith("verified-"),
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit());
