#!/usr/bin/env bash
# The gate in a GitHub job: takes or builds the binary, runs `rewind gate`, writes the job summary and the outputs
# `exit-code`, `verdict` and `reports`. Always exits 0 once the outputs are written: the action's last step
# fails the job, after the reports are uploaded.
set -uo pipefail

reports="$RUNNER_TEMP/rewind-report-${GITHUB_ACTION:-gate}"
exit_code=3
verdict=error

finish() {
  {
    printf 'exit-code=%s\n' "$exit_code"
    printf 'verdict=%s\n' "$verdict"
    printf 'reports=%s\n' "$reports"
  } >>"$GITHUB_OUTPUT"
  exit 0
}
trap finish EXIT

fail() {
  printf '::error title=Rewind::%s\n' "$1"
  exit_code="$2"
  exit
}

# The gate runs the agent's code, which such events must never do: they carry secrets and write permissions.
case "${GITHUB_EVENT_NAME:-}" in
  pull_request_target | workflow_run)
    fail "the gate runs the code under test, so it refuses the event $GITHUB_EVENT_NAME; use pull_request" 2
    ;;
esac

binary="$INPUT_BINARY"
if [ -z "$binary" ]; then
  echo "::group::Build rewind"
  cargo build --release --locked --bin rewind --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" \
    --target-dir "$RUNNER_TEMP/rewind-target"
  built=$?
  echo "::endgroup::"
  if [ "$built" != 0 ]; then fail "rewind could not be built; see the log above" 3; fi
  binary="$RUNNER_TEMP/rewind-target/release/rewind"
fi
case "$binary" in
  /*) ;;
  *) binary="$GITHUB_WORKSPACE/$binary" ;;
esac
if [ ! -x "$binary" ]; then fail "there is no program at the input binary" 2; fi

options=(--out "$reports")
if [ -n "$INPUT_CONFIG" ]; then options+=(--config "$INPUT_CONFIG"); fi
if [ -n "$INPUT_BASELINES" ]; then options+=(--baselines "$INPUT_BASELINES"); fi
if [ -n "$INPUT_FILTER" ]; then options+=(--filter "$INPUT_FILTER"); fi
case "$INPUT_LIVE" in
  true) options+=(--live) ;;
  false) options+=(--offline) ;;
  "") ;;
  *) fail "the input live must be 'true', 'false' or empty" 2 ;;
esac
if [ "$INPUT_ALLOW_NEEDS_LIVE" = true ]; then options+=(--allow-needs-live); fi

# What the agent prints must not reach the runner as a command.
rm -rf "$reports"
token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
printf '::stop-commands::%s\n' "$token"
"$binary" gate "${options[@]}"
exit_code=$?
printf '\n::%s::\n' "$token"

# The annotations, which the runner did not read above.
"$binary" report "$reports" --format github 2>/dev/null | grep -E '^::(error|warning|notice) '

if [ -f "$reports/report.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  cat "$reports/report.md" >>"$GITHUB_STEP_SUMMARY"
fi
# The verdict of the run stands on a line of its own, at the top level of the report.
word="$(sed -n 's/^  "verdict": "\([a-z_]*\)",\{0,1\}$/\1/p' "$reports/rewind-report.json" 2>/dev/null | head -n 1)"
if [ -n "$word" ]; then
  verdict="$word"
elif [ "$exit_code" = 0 ]; then
  fail "the gate ended without a report" 3
fi
