// Wraps the tools of known frameworks, so that no line of an agent changes.

import { createRequire, Module, register } from "node:module";

import { asking } from "./index.mjs";
import { patched } from "./patches.mjs";

if (process.env.REWIND_TOOLS) {
  globalThis[Symbol.for("rewind.auto")] = { executeToolCall, stdio };
  register("./loader.mjs", import.meta.url);
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (source, file, ...rest) {
    return compile.call(this, typeof source === "string" ? patched(file, source) : source, file, ...rest);
  };
}

/** Vercel AI SDK: gives the one tool that is about to run a body that asks first. */
function executeToolCall(original) {
  return function (options, ...rest) {
    const { toolCall, tools } = options;
    const tool = tools?.[toolCall?.toolName];
    if (typeof tool?.execute !== "function") return original.call(this, options, ...rest);
    const known = { name: toolCall.toolName, callId: toolCall.toolCallId };
    const asked = Object.create(tool, { execute: { value: asking(tool.execute.bind(tool), known), enumerable: true } });
    return original.call(this, { ...options, tools: { ...tools, [toolCall.toolName]: asked } }, ...rest);
  };
}

/** The MCP SDK: puts `rewind mcp` before the command of a server, where it is not there already. */
function stdio(Transport) {
  const start = Transport.prototype.start;
  Transport.prototype.start = function (...args) {
    const program = process.env.REWIND_PROGRAM;
    const server = this._serverParams;
    const isOurs = /(^|[\\/])rewind[^\\/]*$/.test(server?.command ?? "");
    if (program && server && !isOurs) {
      this._serverParams = { ...server, command: program, args: ["mcp", "--", server.command, ...(server.args ?? [])] };
    }
    return start.apply(this, args);
  };
}

// Node's own loader of CommonJS is created with the first of these.
createRequire(import.meta.url);
