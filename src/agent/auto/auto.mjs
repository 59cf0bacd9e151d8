// Wraps the tools of known frameworks, so that no line of an agent changes.

import crypto from "node:crypto";
import { createRequire, Module, register, syncBuiltinESMExports } from "node:module";

import { asking } from "./index.mjs";
import { patched } from "./patches.mjs";

if (process.env.REWIND_CLOCK) setClock(process.env.REWIND_CLOCK);

if (process.env.REWIND_TOOLS && process.env.REWIND_AUTO_TOOLS) {
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

/**
 * The recorded clock: the time goes on from the start of the recording, and what is drawn by lot is drawn again.
 * Timers, `performance` and secrets are left alone.
 */
function setClock(said) {
  const [start, begun] = said.split(":").map(BigInt);
  const now = () => Number((start - begun + process.hrtime.bigint()) / 1_000_000n);
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (real, args, target) => Reflect.construct(real, args.length ? args : [now()], target),
    apply: () => new RealDate(now()).toString(),
    get: (real, name) => (name === "now" ? now : Reflect.get(real, name)),
  });
  RealDate.prototype.constructor = globalThis.Date;
  // Two processes that draw the same would be taken for one.
  const seed = process.env.REWIND_SEED;
  if (!seed) return;
  delete process.env.REWIND_SEED;
  Math.random = lot(`${seed}/random`);
  const draw = lot(`${seed}/uuid`);
  const randomUUID = () =>
    "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (letter) => {
      const digit = Math.floor(draw() * 16);
      return (letter === "x" ? digit : (digit & 3) | 8).toString(16);
    });
  crypto.randomUUID = randomUUID;
  globalThis.crypto.randomUUID = randomUUID;
  syncBuiltinESMExports();
}

/** Returns a function that gives numbers from 0 to 1, the same ones for the same seed (SplitMix32 after a hash). */
function lot(seed) {
  let state = crypto.createHash("sha256").update(seed).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

// Node's own loader of CommonJS is created with the first of these.
createRequire(import.meta.url);
