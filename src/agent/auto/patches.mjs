// Which files of which packages are patched, and what is written behind them. Shared by the thread of the loader
// and the main one: no state, no imports.

const own = 'globalThis[Symbol.for("rewind.auto")]';

const PATCHES = [
  // Vercel AI SDK: a function declaration may be assigned within its module.
  { file: /[\\/]node_modules[\\/]ai[\\/]dist[\\/]index\.m?js$/, has: /^async function executeToolCall\(/m, code: `executeToolCall = ${own}.executeToolCall(executeToolCall);` },
  // The official MCP SDK.
  { file: /[\\/]@modelcontextprotocol[\\/]sdk[\\/]dist[\\/](?:esm|cjs)[\\/]client[\\/]stdio\.js$/, has: /^class StdioClientTransport\b|^export class StdioClientTransport\b/m, code: `${own}.stdio(StdioClientTransport);` },
];

/** Returns the source with its patch; the same source where there is none. */
export function patched(file, source) {
  const patch = PATCHES.find((one) => one.file.test(file));
  if (!patch) return source;
  if (!patch.has.test(source)) {
    const code = `process.stderr.write(${JSON.stringify(`rewind: the tools of this version of ${file} are not recorded by --auto-tools\n`)});`;
    return `${source}\n;${code}\n`;
  }
  return `${source}\n;${patch.code}\n`;
}
