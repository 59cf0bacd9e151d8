// @modelcontextprotocol/sdk: a client of the reference servers that uses all a server can offer, then asks
// a model. What it printed in the recording is printed in every replay.
//
// Usage: mcp_node.mjs REWIND PACKAGES FOLDER; without packages (`-`) there are no servers.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import OpenAI from "openai";

const [rewind, packages, folder] = process.argv.slice(2);
const model = new OpenAI();
const asked = [];

async function ask(content) {
  const answer = await model.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content }],
  });
  return answer.choices[0].message.content;
}

async function connect(name, args = [], env = {}) {
  const server =
    packages === "-"
      ? ["no-such-server-anywhere"]
      : [process.execPath, `${packages}/@modelcontextprotocol/server-${name}/dist/index.js`];
  const client = new Client(
    { name: "agent", version: "1.0.0" },
    { capabilities: { sampling: {}, elicitation: {}, roots: {} } },
  );
  client.setRequestHandler(ListRootsRequestSchema, async () => ({
    roots: [{ uri: `file://${folder}`, name: "work" }],
  }));
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    asked.push(`sampling ${params.maxTokens}`);
    const text = await ask(params.messages[0].content.text);
    return { model: "gpt-4o-mini", role: "assistant", content: { type: "text", text } };
  });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(`elicitation ${Object.keys(params.requestedSchema.properties).length}`);
    return { action: "decline" };
  });
  client.setNotificationHandler(LoggingMessageNotificationSchema, () => {});
  const transport = new StdioClientTransport({
    command: rewind,
    args: ["mcp", "--name", name, "--", ...server, ...args],
    env,
  });
  await client.connect(transport);
  return client;
}

function show(what, value) {
  console.log(what, JSON.stringify(value));
}

const memory = await connect("memory", [], { MEMORY_FILE_PATH: `${folder}/memory.json` });
const call = (client, name, args = {}) => client.callTool({ name, arguments: args });
show("tools", (await memory.listTools()).tools.length);
const entities = [{ name: "Oslo", entityType: "city", observations: ["cold"] }];
show("create", await call(memory, "create_entities", { entities }));
show("graph", await call(memory, "read_graph"));
show("wrong", await call(memory, "create_entities", { entities: 3 }));

const files = await connect("filesystem", [folder]);
show("write", await call(files, "write_file", { path: `${folder}/a.txt`, content: "one" }));
show("read", await call(files, "read_text_file", { path: `${folder}/a.txt` }));
show("outside", await call(files, "read_text_file", { path: "/etc/passwd" }));

const all = await connect("everything");
await all.setLoggingLevel("error");
show("echo", await call(all, "echo", { message: "zwölf \u2028 \"quoted\"\n" }));
// At once, and each gets its own answer.
const pairs = [1, 2, 3, 4, 5, 6];
show("sums", await Promise.all(pairs.map((a) => call(all, "get-sum", { a, b: 10 }))));
let progress = 0;
const long = { name: "trigger-long-running-operation", arguments: { duration: 0.2, steps: 2 } };
show("long", await all.callTool(long, undefined, { onprogress: () => (progress += 1) }));
show("image", (await call(all, "get-tiny-image")).content.length);
show("sampling", await call(all, "trigger-sampling-request", { prompt: "the sea", maxTokens: 20 }));
show("elicitation", await call(all, "trigger-elicitation-request"));
const { resources } = await all.listResources();
show("resources", resources.length);
show("templates", (await all.listResourceTemplates()).resourceTemplates.length);
show("resource", (await all.readResource({ uri: resources[0].uri })).contents[0].text.length);
await all.subscribeResource({ uri: resources[0].uri });
const { prompts } = await all.listPrompts();
show("prompts", prompts.map((prompt) => prompt.name));
show("prompt", await all.getPrompt({ name: "args-prompt", arguments: { city: "Oslo" } }));
const ref = { type: "ref/prompt", name: "completable-prompt" };
show("complete", await all.complete({ ref, argument: { name: "department", value: "S" } }));
await all.ping();
await call(all, "no-such-tool").then(
  (result) => show("missing", result),
  (error) => show("missing", [error.code, error.message]),
);
await all.getPrompt({ name: "no-such-prompt" }).catch((error) => show("no prompt", error.code));
show("asked", asked);
// On its own line: a recording does not bring progress back.
console.error("progress", progress);
console.log(await ask("What did you learn?"));
for (const client of [memory, files, all]) {
  await client.close();
}
