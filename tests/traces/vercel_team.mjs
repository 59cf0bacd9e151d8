// A supervisor, a researcher and a writer on the Vercel AI SDK.
//
// TRACER chooses what writes down the run: nothing, or vercel-ai, which is the telemetry of the SDK itself.

import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

let provider;
if (process.env.TRACER === "vercel-ai") {
  const { context, trace } = await import("@opentelemetry/api");
  const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  const { SimpleSpanProcessor, TracerProvider } = await import("@opentelemetry/sdk-trace");

  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: new OTLPTraceExporter() })] });
  trace.setGlobalTracerProvider(provider);
}

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });

/** Returns what every call of an agent has. */
function call(name, model, system, prompt) {
  const experimental_telemetry = { isEnabled: provider !== undefined, functionId: name };
  return { model: openai.chat(model), system, prompt, maxRetries: 0, experimental_telemetry };
}

const web_search = tool({
  description: "Search the web.",
  inputSchema: z.object({ query: z.string(), top_k: z.number().optional() }),
  execute: async ({ query }) => ({ results: [{ title: "Heat pumps", url: "https://example.org/hp", snippet: `on: ${query}` }] }),
});
const fetch_page = tool({
  description: "Fetch a page as text.",
  inputSchema: z.object({ url: z.string() }),
  execute: async ({ url }) => {
    if (url.includes("paywall")) throw new RangeError(`HTTP 403 fetching ${url}`);
    return "European sales: 2.6M units in 2023, 2.0M in 2024.\nAverage seasonal COP 3.7.";
  },
});
const calculator = tool({
  description: "Evaluate arithmetic.",
  inputSchema: z.object({ expression: z.string() }),
  execute: async ({ expression }) => Function(`return ${expression}`)(),
});
const delegate_research = tool({
  description: "Ask the researcher.",
  inputSchema: z.object({ question: z.string() }),
  execute: async ({ question }) => {
    const { text } = await generateText({
      ...call("researcher", "gpt-4o-mini", "You are a researcher. Use tools; cite numbers exactly.", question),
      tools: { web_search, fetch_page, calculator },
      temperature: 0.1,
      maxOutputTokens: 800,
      stopWhen: stepCountIs(9),
    });
    return text;
  },
});
const delegate_writing = tool({
  description: "Ask the writer.",
  inputSchema: z.object({ outline: z.string() }),
  execute: async ({ outline }) => {
    const stream = streamText({
      ...call("writer", "gpt-4o", "You are the writer. One section, plain words.", `Outline: ${outline}`),
      temperature: 0.7,
    });
    return await stream.text;
  },
});

const { text } = await generateText({
  ...call("supervisor", "gpt-4o-mini", "You are the supervisor. Delegate.", process.argv[2]),
  tools: { delegate_research, delegate_writing },
  temperature: 0,
  stopWhen: stepCountIs(9),
});
console.log(text);
await provider?.shutdown();
