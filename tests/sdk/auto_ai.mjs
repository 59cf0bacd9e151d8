// Vercel AI SDK: a travel agent with a tool that reads, one that books and one that fails; nothing of Rewind.

import { appendFileSync } from "node:fs";

import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const note = (line) => appendFileSync("done", `${line}\n`);
const tools = {
  flight_details: tool({
    description: "Tells about a flight.",
    inputSchema: z.object({ flight: z.string() }),
    execute: async ({ flight }) => {
      note(`looked at ${flight}`);
      return { flight, seats: 3 };
    },
  }),
  weather: tool({
    description: "Tells the weather.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      throw new RangeError(`no weather for ${city}`);
    },
  }),
  book_flight: tool({
    description: "Books a flight.",
    inputSchema: z.object({ flight: z.string() }),
    execute: async ({ flight }) => {
      note(`booked ${flight}`);
      return `booked ${flight}`;
    },
  }),
};
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const { text } = await generateText({
  model: openai.chat("gpt-4o-mini"),
  system: process.env.PROMPT ?? "You are a travel agent.",
  prompt: "Oslo, please.",
  tools,
  stopWhen: stepCountIs(9),
});
console.log(text);
