// Triages a new issue: looks for duplicates, finds the owner, prints a decision as JSON.
//
//     node agent.mjs "Two coupons make the checkout total negative"
//
// OPENAI_API_KEY is the key; OPENAI_BASE_URL says where the model is, if not at OpenAI.

import OpenAI from "openai";
import { findOwner, searchIssues, setLabels } from "./tracker.mjs";

const MODEL = process.env.TRIAGE_MODEL ?? "gpt-4o-mini";
const MAX_TURNS = 8;

const SYSTEM = `You triage new issues of a web shop.
Search for duplicates first, then find the owner of the component.
Label nothing that is a duplicate.
Answer with JSON: {"duplicate_of": number or null, "component": text, "owner": text, "severity": "low" | "high"}.`;

/** Describes a tool; all of its arguments are required. */
const tool = (name, description, properties) => ({
  type: "function",
  function: {
    name,
    description,
    parameters: { type: "object", properties, required: Object.keys(properties) },
  },
});

const tools = [
  tool("search_issues", "Search issues by words of their title.", { query: { type: "string" } }),
  tool("find_owner", "Find the team that owns a component.", {
    component: { type: "string", enum: ["checkout", "search", "login"] },
  }),
  tool("set_labels", "Label the issue; the owners are notified.", {
    labels: { type: "array", items: { type: "string" } },
  }),
];

const functions = { search_issues: searchIssues, find_owner: findOwner, set_labels: setLabels };

/** Runs a tool; what is wrong with the call is told to the model. */
async function use(call) {
  let result;
  try {
    result = await functions[call.function.name](JSON.parse(call.function.arguments));
  } catch (error) {
    result = { error: error.message };
  }
  return { role: "tool", tool_call_id: call.id, content: JSON.stringify(result) };
}

async function triage(client, issue) {
  const messages = [
    { role: "system", content: SYSTEM },
    { role: "user", content: issue },
  ];
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      temperature: 0,
      messages,
      tools,
    });
    const { message } = choices[0];
    messages.push(message);
    if (!message.tool_calls?.length) return JSON.parse(message.content);
    messages.push(...(await Promise.all(message.tool_calls.map(use))));
  }
  throw new Error(`no decision after ${MAX_TURNS} turns`);
}

const issue = process.argv[2];
if (!issue) {
  console.error('usage: node agent.mjs "ISSUE"');
  process.exit(2);
}
try {
  console.log(JSON.stringify(await triage(new OpenAI(), issue), null, 2));
} catch (error) {
  console.error(`triage failed: ${error.message}`);
  process.exit(1);
}
