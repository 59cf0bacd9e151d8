#!/usr/bin/env bash
# The gate in a GitHub job: runs `rewind gate`, writes the job summary and the outputs `exit-code`, `verdict`, `drifted`, `counts`, `reports` and
# `page`. Always exits 0 once the outputs are written: the action's last step fails the job, after the reports are uploaded.
set -uo pipefail

reports="$RUNNER_TEMP/rewind-report-${GITHUB_ACTION:-gate}"
exit_code=3
verdict=error
drifted=false
counts='{}'
page=

finish() {
  {
    printf 'exit-code=%s\n' "$exit_code"
    printf 'verdict=%s\n' "$verdict"
    printf 'drifted=%s\n' "$drifted"
    printf 'counts=%s\n' "$counts"
    printf 'reports=%s\n' "$reports"
    printf 'page=%s\n' "$page"
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
if [ -z "$BINARY" ]; then fail "there is no rewind to run; see the log above" 3; fi

options=(--out "$reports" --profile "$INPUT_PROFILE")
if [ -n "$INPUT_CONFIG" ]; then options+=(--config "$INPUT_CONFIG"); fi
if [ -n "$INPUT_BASELINES" ]; then options+=(--baselines "$INPUT_BASELINES"); fi
if [ -n "$INPUT_FILTER" ]; then options+=(--filter "$INPUT_FILTER"); fi
if [ -n "$INPUT_CHANGED_SINCE" ]; then options+=(--changed-since "$INPUT_CHANGED_SINCE"); fi
if [ -n "$INPUT_SHARD" ]; then options+=(--shard "$INPUT_SHARD"); fi
if [ -n "$INPUT_MAX_USD" ]; then options+=(--max-usd "$INPUT_MAX_USD"); fi
if [ -n "${INPUT_HISTORY:-}" ]; then options+=(--history "$INPUT_HISTORY"); fi
if [ -n "$INPUT_POLICY_FROM" ]; then
  options+=(--policy-from "$INPUT_POLICY_FROM")
  if [ -n "$TRUSTED" ]; then options+=(--trusted "$TRUSTED"); fi
fi
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
"$BINARY" gate "${options[@]}"
exit_code=$?
printf '\n::%s::\n' "$token"

# The annotations, which the runner did not read above.
"$BINARY" report "$reports" --format github 2>/dev/null | grep -E '^::(error|warning|notice) '

if [ -f "$reports/report.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  cat "$reports/report.md" >>"$GITHUB_STEP_SUMMARY"
fi
# A page that is uploaded by itself is named as its file.
if [ -f "$reports/report.html" ]; then
  page="rewind-$INPUT_KEY-${GITHUB_RUN_ATTEMPT:-1}${INPUT_SHARD:+-${INPUT_SHARD/\//-of-}}.html"
  page="$RUNNER_TEMP/${page//[^A-Za-z0-9._-]/-}"
  cp "$reports/report.html" "$page"
fi
# Verdict and counts of the run stand at the top level of the report.
word="$(sed -n 's/^  "verdict": "\([a-z_]*\)",\{0,1\}$/\1/p' "$reports/rewind-report.json" 2>/dev/null | head -n 1)"
found="$(sed -n -e '/^  "counts": {}/{p;q;}' -e '/^  "counts": {/,/^  }/p' "$reports/rewind-report.json" 2>/dev/null | tr -d ' \n')"
found="${found#*:}"
if [ -n "$found" ]; then counts="${found%,}"; fi
# No text of others begins a line of the report.
if grep -q '^ *"direction": "lower",\{0,1\}$' "$reports/rewind-report.json" 2>/dev/null; then drifted=true; fi
if [ -n "$word" ]; then
  verdict="$word"
elif [ "$exit_code" = 0 ]; then
  fail "the gate ended without a report" 3
fi
