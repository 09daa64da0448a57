// microsoft-graph-client as it comes, for each step of the JSON file named by the first argument:
// {base, host, token, steps: [{delta: link or null, select} | {read: path} | {batch: [...]}]}.
// Prints one JSON array, an entry a step: what the step gave, or {error}, and in `exchanges` the
// HTTP exchanges that it took.

import {readFileSync} from "node:fs";
import {
  BatchRequestContent, BatchResponseContent, Client, PageIterator,
} from "@microsoft/microsoft-graph-client";

const wish = JSON.parse(readFileSync(process.argv[2], "utf8"));

// Only listens: what goes over the wire is the client's business.
let exchanges = [];
const send = globalThis.fetch;
globalThis.fetch = async (request, options) => {
  const response = await send(request, options);
  const retry = new Headers(options?.headers ?? request.headers).get("Retry-Attempt");
  exchanges.push({
    status: response.status, retry, encoding: response.headers.get("content-encoding"),
  });
  return response;
};

// Without customHosts the client sends its token to Microsoft's own hosts only.
const client = Client.initWithMiddleware({
  authProvider: {getAccessToken: async () => wish.token},
  baseUrl: wish.base,
  customHosts: new Set([wish.host]),
});

async function delta({delta: link, select}) {
  const first = link === null ? client.api("/users/delta").select(select) : client.api(link);
  const records = [];
  const pages = new PageIterator(client, await first.get(), (record) => records.push(record) > 0);
  await pages.iterate();
  return {records, complete: pages.isComplete(), deltaLink: pages.getDeltaLink()};
}

// The client takes the host off an inner URL, and nothing more: an inner one has no version.
async function batch({batch: items}) {
  const steps = items.map(({id, dependsOn, method, url, body}) => ({
    id, dependsOn,
    request: new Request(wish.base + url, {
      method, headers: body ? {"Content-Type": "application/json"} : {},
      body: body && JSON.stringify(body),
    }),
  }));
  const content = await new BatchRequestContent(steps).getContent();
  const answers = new BatchResponseContent(await client.api("/$batch").post(content));
  const told = {};
  for (const [id, response] of answers.getResponses()) {
    const text = await response.text();
    told[id] = {
      status: response.status, retryAfter: response.headers.get("Retry-After"),
      body: text ? JSON.parse(text) : null,
    };
  }
  return {told};
}

async function run(step) {
  if (step.batch) return batch(step);
  if (step.read) return {body: await client.api(step.read).get()};
  return delta(step);
}

const results = [];
for (const step of wish.steps) {
  exchanges = [];
  let result;
  try {
    result = await run(step);
  } catch ({name, statusCode, code, message, requestId, date}) {
    result = {error: {name, statusCode, code, message, requestId, date}};
  }
  results.push({...result, exchanges});
}
console.log(JSON.stringify(results));
