#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy (.clang-tidy) over everything but the tests themselves, with the compile commands of the
# given build folder, whose generated headers must be there. A file that has passed before, with the same
# contents, headers and configuration, isn't read again: $XDG_CACHE_HOME/bpmp-broker/tidy remembers (as a rule in
# ~/.cache, so that a fresh clone needs no half an hour).
#
#   tests/style/tidy.sh BUILD-DIR [FILE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${1:?usage: tests/style/tidy.sh BUILD-DIR [FILE...]}"
shift
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files -- 'broker/*.cc' 'qemu-client/*.cc' 'tests/lib/*.cc' 'tests/bench/*.cc' |
    grep -vE '_test\.cc$|_fuzzer\.cc$|/testing/')
fi
passed="${XDG_CACHE_HOME:-$HOME/.cache}/bpmp-broker/tidy"
mkdir -p "$passed"
find "$passed" -type f -mtime +60 -delete
headers="$(mktemp)"
trap 'rm -f "$headers"' EXIT
# "SOURCE HEADER" for each header of the tree that a source was last compiled with, as ninja knows it.
ninja -C "$build" -t deps 2>/dev/null | awk -v root="$PWD/" -v build="$build/" '
  /^[^ ]/ { source = "" }
  /^    / {
    path = $1
    if (index(path, root) == 1) path = substr(path, length(root) + 1)
    else if (sub(/^\.\.\/\.\.\//, "", path) == 0 && path !~ /^\//) path = build path
    if (path ~ /^\//) next
    if (source == "") source = path; else print source, path
  }' >"$headers"

# What a finding can depend on: the configuration, the file, its headers; all headers of the tree where a
# file hasn't been compiled.
key_of() { # FILE HEADERS
  local mine
  mapfile -t mine < <(awk -v file="$1" '$1 == file { print $2 }' "$2")
  [ ${#mine[@]} -gt 0 ] || mapfile -t mine < <(git ls-files -- '*.h' '*.proto')
  cat .clang-tidy "$1" "${mine[@]}" | sha256sum | cut -c1-64
}
check_one() { # FILE PASSED BUILD HEADERS
  local key complaints
  key="$(key_of "$1" "$4")"
  [ -e "$2/$key" ] && return 0
  if complaints="$(clang-tidy-14 --quiet -p "$3" "$1" 2>&1)"; then
    : >"$2/$key"
    return 0
  fi
  # Without the count of warnings in the libraries' headers.
  printf '%s\n' "$complaints" | grep -vE '^[0-9]+ warnings? (generated|treated)'
  return 1
}
export -f key_of check_one
printf '%s\0' "${files[@]}" |
  xargs -0 -P "${BPMP_TIDY_JOBS:-$(nproc)}" -I{} bash -c 'check_one "$@"' _ {} "$passed" "$build" "$headers"
