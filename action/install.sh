#!/usr/bin/env bash
# Finds or builds the rewind binary and writes the output `binary`: an absolute path, or nothing where there is none. The log says
# why, and the next step fails.
set -uo pipefail

fail() {
  printf '::error title=Rewind::%s\n' "$1"
  printf 'binary=\n' >>"$GITHUB_OUTPUT"
  exit 0
}

binary="$INPUT_BINARY"
if [ -z "$binary" ]; then
  echo "::group::Build rewind"
  cargo build --release --locked --bin rewind --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" \
    --target-dir "$RUNNER_TEMP/rewind-target"
  built=$?
  echo "::endgroup::"
  if [ "$built" != 0 ]; then fail "rewind could not be built; see the log above"; fi
  binary="$RUNNER_TEMP/rewind-target/release/rewind"
fi
case "$binary" in
  /*) ;;
  *) binary="$GITHUB_WORKSPACE/$binary" ;;
esac
if [ ! -x "$binary" ]; then fail "there is no program at the input binary"; fi
printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
