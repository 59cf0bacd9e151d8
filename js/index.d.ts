/** What running a tool leaves behind. */
export type Effect = "pure" | "read" | "mutating";

/** How a tool is wrapped. */
export interface ToolOptions {
  /** The tool's name; that of the function where it is not given. */
  name?: string;
  /** What running it leaves behind; where nothing is said, Rewind takes it for a change. */
  effect?: Effect;
  /** The names of the parameters; where they are not given, they are read from the function. */
  parameters?: string[];
}

/** Wraps a function that is a tool; without Rewind around it returns the function itself. */
export function tool<F extends (...args: any[]) => any>(fn: F, options?: ToolOptions): F;

/** Runs `fn`; the tools inside answer the model's tool call with this id. */
export function answering<T>(callId: string, fn: () => T): T;

/** A tool failed with an error of a class that is not built in; `type` is its name. */
export class RewindToolError extends Error {
  type: string;
}

/** Rewind did not let the tool run; the message says why and what to do. */
export class RewindRefused extends RewindToolError {}
