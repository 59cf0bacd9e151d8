// Writes the patches behind ES modules as they are loaded.

import { fileURLToPath } from "node:url";

import { patched } from "./patches.mjs";

export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.startsWith("file:") || loaded.format !== "module" || loaded.source == null) return loaded;
  const file = fileURLToPath(url);
  const source = typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source).toString();
  const own = patched(file, source);
  return own === source ? loaded : { ...loaded, source: own };
}
