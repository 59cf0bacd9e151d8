#!/usr/bin/env node
// Starts the program, which is in the package of this machine, and ends as it ends.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const machine = `${process.platform}-${process.arch}`;
let program;
try {
  program = createRequire(import.meta.url).resolve(`@rewind-gate/${machine}/bin/rewind`);
} catch {
  console.error(
    `rewind: the package @rewind-gate/${machine} is missing. There is one for Linux and macOS on x64 and arm64; ` +
      "an installation without optional packages leaves it out.",
  );
  process.exit(2);
}
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
  process.on(signal, () => signal === "SIGINT" && process.stdin.isTTY || child.kill(signal));
}
child.on("error", (error) => {
  console.error(`rewind: ${program} can't be started: ${error.message}`);
  process.exit(2);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
