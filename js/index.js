// Lets Rewind record and replay the tools that an agent runs in its own process.
//
//     import { tool } from "rewind";
//     const bookFlight = tool(async ({ flight, seats }) => …, { name: "book_flight", effect: "mutating" });
//
// Without Rewind around, `tool` returns the function itself. Asking Rewind takes a moment, so a wrapped
// function returns a promise, and a wrapped generator is an async one. See docs/tools.md of Rewind.

import { AsyncLocalStorage } from "node:async_hooks";
import { request } from "node:http";

const EFFECTS = [undefined, null, "pure", "read", "mutating"];
const calls = new AsyncLocalStorage();
// The tool that Rewind was already asked about, and what wrappers say that running a tool leaves behind; shared by
// all copies of this module in the process.
const { asked, effects } = (globalThis[Symbol.for("rewind.shared")] ??= { asked: new AsyncLocalStorage(), effects: new Map() });

export class RewindToolError extends Error {
  constructor(message, type = "RewindToolError") {
    super(message);
    this.name = new.target.name;
    this.type = type;
  }
}

export class RewindRefused extends RewindToolError {
  constructor(message) {
    super(message, "RewindRefused");
  }
}

/** Runs `fn`; the tools inside answer the model's tool call with this id. */
export function answering(callId, fn) {
  return calls.run(String(callId), fn);
}

/** Wraps a function that is a tool. */
export function tool(fn, options = {}) {
  if (typeof fn !== "function") throw new TypeError("tool(fn, options) wraps a function");
  const effect = options.effect ?? undefined;
  if (!EFFECTS.includes(effect)) {
    throw new TypeError(`effect is ${JSON.stringify(effect)}; it is one of "pure", "read", "mutating"`);
  }
  const base = process.env.REWIND_TOOLS;
  if (!base) return fn;
  const name = options.name || fn.name;
  if (!name) throw new TypeError("a function without a name needs tool(fn, { name })");
  if (effect) effects.set(name, effect);
  const known = { base, name, effect, parameters: options.parameters ?? parameters(fn) };
  const kind = Object.prototype.toString.call(fn);
  const wrapped = kind.endsWith("GeneratorFunction]") ? generator(fn, known) : single(fn, known);
  return Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
}

/**
 * For the hooks of frameworks: wraps the function of a tool that is called with one input. A result that is no
 * JSON value is not kept; then the tool runs in a replay, too.
 */
export function asking(fn, { name, callId }) {
  const known = { base: process.env.REWIND_TOOLS, name, effect: effects.get(name), parameters: ["input"], callId, lenient: true };
  const kind = Object.prototype.toString.call(fn);
  const wrapped = kind.endsWith("AsyncGeneratorFunction]") ? generator(fn, known) : single(fn, known);
  return (input, ...rest) => wrapped(input, ...rest);
}

function single(fn, known) {
  return async function (...args) {
    if (asked.getStore() === known.name) return fn.apply(this, args);
    const said = await ask(known, args);
    const run = () => asked.run(known.lenient ? known.name : asked.getStore(), () => fn.apply(this, args));
    if (said.action === "serve" && isNotKept(said.result)) return run();
    if (said.action === "serve") {
      if (said.is_error) throw again(said.result);
      return said.result ?? undefined;
    }
    const tell = (result, is_error) => post(known.base, "/tools/result", { ticket: said.ticket, result, is_error });
    let result;
    try {
      result = await run();
      if (!known.lenient) result = plain(result, `the result of the tool \`${known.name}\``);
    } catch (error) {
      await tell(told(error), true);
      throw error;
    }
    await tell(known.lenient ? kept(known.name, result) : (result ?? null), false);
    return result;
  };
}

function generator(fn, known) {
  return async function* (...args) {
    const said = await ask(known, args);
    if (said.action === "serve") {
      const recorded = said.result;
      yield* said.is_error ? (recorded?.items ?? []) : Array.isArray(recorded) ? recorded : [];
      if (said.is_error) throw again(recorded);
      return;
    }
    const tell = (result, is_error) => post(known.base, "/tools/result", { ticket: said.ticket, result, is_error });
    const items = [];
    let failed = false;
    try {
      for await (const item of fn.apply(this, args)) {
        items.push(plain(item, `the result of the tool \`${known.name}\``) ?? null);
        yield items[items.length - 1];
      }
    } catch (error) {
      failed = true;
      await tell({ ...told(error), items }, true);
      throw error;
    } finally {
      // Also when the caller stops early.
      if (!failed) await tell(items, false);
    }
  };
}

/** Returns a result as it is recorded, or that it is not. */
function kept(name, result) {
  try {
    return plain(result, "the result") ?? null;
  } catch (error) {
    process.stderr.write(`rewind: the tool \`${name}\` runs in replays, too: ${error.message}\n`);
    return { $not_kept: result?.constructor?.name ?? typeof result };
  }
}

function isNotKept(recorded) {
  return recorded !== null && typeof recorded === "object" && "$not_kept" in recorded;
}

async function ask(known, args) {
  const message = { name: known.name, arguments: named(known, args), boundary: "shim" };
  if (known.effect) message.effect = known.effect;
  const callId = known.callId ?? calls.getStore();
  if (callId !== undefined) message.call_id = callId;
  const said = await post(known.base, "/tools/call", message);
  if (said.action === "refuse") throw new RewindRefused(said.message);
  return said;
}

/** Returns the arguments by name: the fields of a single object, else by the names of the parameters. */
function named(known, args) {
  if (known.lenient) args = args.slice(0, 1);
  const where = (key) => `the argument \`${key}\` of the tool \`${known.name}\``;
  const [only] = args;
  const found = {};
  const entries =
    args.length === 1 && isPlain(only)
      ? Object.entries(only)
      : args.map((value, at) => [known.parameters[at] ?? String(at), value]);
  for (const [key, value] of entries) {
    const kept = plain(value, where(key));
    if (kept !== undefined) found[key] = kept;
  }
  return found;
}

/** Returns the names of a function's parameters, as far as they are plain names. */
function parameters(fn) {
  const text = Function.prototype.toString.call(fn).replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
  const arrow = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(text);
  if (arrow) return [arrow[1]];
  const list = /^[^(]*\(([^()]*)\)/.exec(text);
  if (!list || /[{[]/.test(list[1])) return [];
  return list[1]
    .split(",")
    .map((one) => one.trim().replace(/^\.\.\./, "").split("=")[0].trim())
    .filter(Boolean);
}

function isPlain(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Returns a value as it comes back from a recording, or says where it is no JSON value. */
function plain(value, where, at = "") {
  const place = at ? `${where}, at ${at},` : where;
  if (value === undefined || value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new TypeError(`${place} is ${value}, which JSON does not know`);
  }
  if (Array.isArray(value)) return value.map((item, nth) => plain(item, where, `${at}[${nth}]`) ?? null);
  if (isPlain(value)) {
    const kept = {};
    for (const [key, item] of Object.entries(value)) {
      const found = plain(item, where, `${at}.${key}`);
      // `__proto__` is a field like any other.
      if (found !== undefined) Object.defineProperty(kept, key, { value: found, enumerable: true, writable: true, configurable: true });
    }
    return kept;
  }
  const kind = typeof value === "object" ? value.constructor?.name ?? "object" : typeof value;
  throw new TypeError(
    `${place} is a ${kind}, which is no JSON value; Rewind keeps null, booleans, numbers, strings, arrays and ` +
      "plain objects: wrap a function that takes and returns these",
  );
}

const BUILTIN = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function told(error) {
  if (!(error instanceof Error)) return { type: "thrown", message: String(error) };
  const isBuiltin = Object.getPrototypeOf(error) === BUILTIN[error.constructor?.name]?.prototype;
  return { type: isBuiltin ? error.constructor.name : error.name || "Error", message: error.message };
}

function again(recorded) {
  const { type = "RewindToolError", message = String(recorded) } = recorded ?? {};
  const kind = Object.hasOwn(BUILTIN, type) ? BUILTIN[type] : undefined;
  return kind ? new kind(message) : new RewindToolError(message, type);
}

/** Sends a message of the local protocol, version 1; never goes through a proxy. */
function post(base, path, message) {
  const url = new URL(base + path);
  const body = Buffer.from(JSON.stringify(message));
  const failed = (why) => new RewindToolError(why);
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      hostname: url.hostname,
      port: url.port,
      path: url.pathname,
      agent: false,
      headers: { "content-type": "application/json", "content-length": body.length },
    };
    const asked = request(options, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("error", (error) => reject(failed(`Rewind's answer broke off: ${error.message}`)));
      answer.on("end", () => {
        if (answer.statusCode === 204) return resolve(undefined);
        let found;
        try {
          found = JSON.parse(Buffer.concat(pieces).toString());
        } catch {
          found = undefined;
        }
        if (answer.statusCode === 200 && found) return resolve(found);
        const why = found?.error?.message ?? answer.statusCode;
        reject(failed(`Rewind refused a message of the tool protocol: ${why}`));
      });
    });
    asked.on("error", (error) => reject(failed(`Rewind does not answer at REWIND_TOOLS: ${error.message}`)));
    asked.end(body);
  });
}
