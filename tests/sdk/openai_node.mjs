// openai-node: a tool loop with one streamed and one plain call, printing every event.

import OpenAI from "openai";

const tools = [
  {
    type: "function",
    function: {
      name: "lookup",
      description: "Looks a city up",
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      },
    },
  },
];

const client = new OpenAI();
const messages = [
  { role: "system", content: "You are a guide." },
  { role: "user", content: process.argv[2] },
];

const first = await client.chat.completions.create({ model: "gpt-4o-mini", messages, tools });
const { message } = first.choices[0];
messages.push(message);
for (const call of message.tool_calls ?? []) {
  const { city } = JSON.parse(call.function.arguments);
  messages.push({ role: "tool", tool_call_id: call.id, content: `facts of ${city}` });
}

let text = "";
const stream = await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages,
  tools,
  stream: true,
});
for await (const chunk of stream) {
  console.log("event", JSON.stringify(chunk));
  text += chunk.choices[0]?.delta?.content ?? "";
}
console.log(text);
