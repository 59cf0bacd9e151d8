#!/usr/bin/env bash
# The part of the action that talks to GitHub, in steps of their own: no code of the change runs where the token is.
#   tell.sh trust    which altered baselines were accepted; writes the output `trusted`
#   tell.sh report   the comment and the check run
# Always exits 0: the verdict is that of the gate alone.
set -uo pipefail

case "$1" in
  trust)
    trusted="$RUNNER_TEMP/rewind-trusted-${GITHUB_ACTION:-gate}.json"
    rm -f "$trusted"
    options=(--policy-from "$INPUT_POLICY_FROM" --output "$trusted")
    if [ -n "$INPUT_CONFIG" ]; then options+=(--config "$INPUT_CONFIG"); fi
    if [ -n "$INPUT_BASELINES" ]; then options+=(--baselines "$INPUT_BASELINES"); fi
    if "$BINARY" github trust "${options[@]}" && [ -f "$trusted" ]; then
      printf 'trusted=%s\n' "$trusted" >>"$GITHUB_OUTPUT"
    fi
    ;;
  report)
    options=("$REPORTS" --key "$INPUT_KEY")
    if [ -n "$PAGE_URL" ]; then options+=(--report-url "$PAGE_URL"); fi
    if [ "$INPUT_COMMENT" != never ]; then "$BINARY" github comment "${options[@]}" --mode "$INPUT_COMMENT"; fi
    if [ -n "$INPUT_CHECK_RUN" ]; then "$BINARY" github check "${options[@]}" --name "$INPUT_CHECK_RUN"; fi
    ;;
esac
exit 0
