// Drives @immich/sdk as a program would that uses it: a call a line on standard input, and on standard output
// what became of it, as lines.py says. Arguments: the package's folder, and the server's address with /api.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, baseUrl] = process.argv.slice(2);
const sdk = await import(pathToFileURL(`${folder}/build/index.js`));
sdk.setBaseUrl(baseUrl);

async function call({ operation, by, arguments: given }) {
  // A key is the whole program's, a session's token goes with the call.
  if (by.key) sdk.init({ baseUrl, apiKey: by.key });
  else delete sdk.defaults.headers?.["x-api-key"];
  const options = by.token ? { headers: { Authorization: `Bearer ${by.token}` } } : {};
  const method = sdk[operation];
  const answer = await (method.length > 1 ? method(given, options) : method(options));
  return answer === "" ? null : answer;
}

function outcomeOf(error) {
  if (!sdk.isHttpError(error)) return { failed: String(error) };
  const { data, headers, status } = error;
  return {
    refused: {
      kind: "HttpError",
      status,
      // Where no answer is expected the SDK leaves an error unread.
      said: typeof data === "string" ? JSON.parse(data) : data,
      correlation: headers.get("x-immich-cid") ?? headers.get("x-correlation-id"),
    },
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await call(JSON.parse(line)).then((answer) => ({ answer }), outcomeOf);
  console.log(JSON.stringify(outcome));
}
