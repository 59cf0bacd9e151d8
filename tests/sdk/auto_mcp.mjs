// @modelcontextprotocol/sdk: asks a server over stdio for a sum, then a model; nothing of Rewind.
//
// Usage: auto_mcp.mjs COMMAND...

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import OpenAI from "openai";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "agent", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command, args }));
const { content } = await client.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } });
const messages = [{ role: "user", content: content[0].text }];
const answer = await new OpenAI().chat.completions.create({ model: "gpt-4o-mini", messages });
console.log(content[0].text, answer.choices[0].message.content);
await client.close();
