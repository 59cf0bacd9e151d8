// @modelcontextprotocol/sdk: a client of a server over HTTP that uses all that it can offer, then asks a model.
//
// Usage: mcp_http.mjs [sse]; REWIND_MCP_EVERYTHING_URL leads to the server; with `sse` it tries the newer transport
// first and falls back, as the SDK's documentation says.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import OpenAI from "openai";

const model = new OpenAI();
const asked = [];

async function ask(content) {
  const answer = await model.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content }] });
  return answer.choices[0].message.content;
}

function newClient() {
  const client = new Client({ name: "agent", version: "1.0.0" }, { capabilities: { sampling: {}, elicitation: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    asked.push("sampling");
    const text = await ask(params.messages.map((message) => message.content.text).join(" "));
    return { model: "gpt-4o-mini", role: "assistant", content: { type: "text", text } };
  });
  client.setRequestHandler(ElicitRequestSchema, async () => {
    asked.push("elicitation");
    return { action: "decline" };
  });
  return client;
}

async function connected(url) {
  const client = newClient();
  try {
    await client.connect(new StreamableHTTPClientTransport(url));
    return client;
  } catch (error) {
    if (process.argv[2] !== "sse") throw error;
    console.log("falls back", error.code);
    const older = newClient();
    await older.connect(new SSEClientTransport(url));
    return older;
  }
}

const show = (what, value) => console.log(what, JSON.stringify(value));
const call = (name, args = {}) => client.callTool({ name, arguments: args });

const client = await connected(new URL(process.env.REWIND_MCP_EVERYTHING_URL));
show("tools", (await client.listTools()).tools.length);
show("echo", await call("echo", { message: process.env.WORD ?? "zw\u00f6lf" }));
show("sums", await Promise.all([1, 2, 3, 4].map((a) => call("get-sum", { a, b: 10 }))));
show("sampling", await call("trigger-sampling-request", { prompt: "the sea", maxTokens: 20 }));
show("elicitation", await call("trigger-elicitation-request"));
const { resources } = await client.listResources();
show("resource", (await client.readResource({ uri: resources[0].uri })).contents[0].text.length);
show("prompt", await client.getPrompt({ name: "args-prompt", arguments: { city: "Oslo" } }));
await client.ping();
await call("no-such-tool").then(
  (result) => show("missing", result),
  (error) => show("missing", [error.code, error.message]),
);
show("asked", asked);
console.log(await ask("What did you learn?"));
await client.close();
