#!/usr/bin/env bash
# Gets the rewind binary in two steps, between which the action restores what cargo has downloaded before.
#   install.sh find     the input `binary`, else the released binary of this version, if it is exactly the one that checksums.txt names;
#                       writes the output `binary`, or `build=true` and `crates` (a name for what cargo downloads) where it has to be built
#   install.sh build    passes on what was found (FOUND), or builds it from the action's source; writes the output `binary`: an absolute
#                       path, or nothing where there is none. The log says why, and the next step fails.
# REWIND_RELEASES may name a mirror of the releases: what it serves is held to the same checksums.
set -uo pipefail

action="$GITHUB_ACTION_PATH"
version="$(cat "$action/action/VERSION")"

say() { printf '::notice title=Rewind::%s\n' "$1"; }

fail() {
  printf '::error title=Rewind::%s\n' "$1"
  printf 'binary=\n' >>"$GITHUB_OUTPUT"
  exit 0
}

found() {
  printf 'binary=%s\n' "$1" >>"$GITHUB_OUTPUT"
  exit 0
}

build() {
  say "$1: it is built from source, which takes some minutes"
  printf 'build=true\ncrates=%s\n' "$(sum_of "$action/Cargo.lock")" >>"$GITHUB_OUTPUT"
  exit 0
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d' ' -f1
}

find_binary() {
  local target name wanted into sum binary="$INPUT_BINARY"
  if [ "$RUNNER_OS" = Windows ]; then fail "Windows is not supported: run the job on Linux or macOS"; fi
  if [ -n "$binary" ]; then
    case "$binary" in
      /*) ;;
      *) binary="$GITHUB_WORKSPACE/$binary" ;;
    esac
    if [ ! -f "$binary" ] || [ ! -x "$binary" ]; then fail "there is no program at the input binary"; fi
    found "$binary"
  fi
  case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) target=x86_64-unknown-linux-musl ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    *) build "nothing is released for $RUNNER_OS on $RUNNER_ARCH" ;;
  esac
  name="rewind-$version-$target.tar.gz"
  wanted="$(awk -v name="$name" '$2 == name { print $1 }' "$action/action/checksums.txt")"
  if [ -z "$wanted" ]; then build "checksums.txt names no $name"; fi
  into="$(mktemp -d "$RUNNER_TEMP/rewind-XXXXXX")"
  if ! curl --fail --location --proto-redir '=https' --silent --show-error --retry 3 --max-time 120 --output "$into/$name" \
    "${REWIND_RELEASES:-https://github.com/rewind-gate/rewind/releases/download}/v$version/$name"; then
    build "$name could not be downloaded"
  fi
  sum="$(sum_of "$into/$name")"
  # What is not what was released stops the job: building in its place would hide that.
  if [ "$sum" != "$wanted" ]; then fail "$name is not what was released: its SHA-256 is $sum, and checksums.txt says $wanted"; fi
  if ! tar -xzf "$into/$name" -C "$into" rewind || [ ! -x "$into/rewind" ]; then fail "$name holds no rewind"; fi
  found "$into/rewind"
}

build_binary() {
  local built target="$RUNNER_TEMP/rewind-target"
  if [ -n "$FOUND" ]; then found "$FOUND"; fi
  if [ "$BUILD" != true ]; then fail "there is no rewind to run; see the step before"; fi
  if ! command -v cargo >/dev/null; then fail "rewind has to be built here, and there is no cargo: install Rust, or give the input binary"; fi
  echo "::group::Build rewind"
  cargo build --release --locked --bin rewind --manifest-path "$action/Cargo.toml" --target-dir "$target"
  built=$?
  echo "::endgroup::"
  if [ "$built" != 0 ]; then fail "rewind could not be built; see the log above"; fi
  found "$target/release/rewind"
}

case "$1" in
  find) find_binary ;;
  build) build_binary ;;
esac
