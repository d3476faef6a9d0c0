#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy (.clang-tidy) over the sources that have no I/O, with the compile commands of the given
# build folder. A file that has passed before, with the same contents and configuration, isn't read again.
#
#   tests/style/tidy.sh BUILD-DIR [FILE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
build="${1:?usage: tests/style/tidy.sh BUILD-DIR [FILE...]}"
shift
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files -- 'broker/base/*.cc' 'broker/mrq/*.cc' 'broker/core/*.cc' |
    grep -vE '_test\.cc$|_fuzzer\.cc$|/testing/')
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/bpmp-broker/tidy"
mkdir -p "$cache"
# Everything a finding can depend on within the tree: headers, the configuration, the file itself.
common="$(git ls-files -- '*.h' .clang-tidy | sort | xargs cat | sha256sum | cut -c1-64)"

check_one() {
  local key
  key="$(printf '%s' "$2" | cat - "$1" | sha256sum | cut -c1-64)"
  [ -e "$3/$key" ] && return 0
  clang-tidy-14 --quiet -p "$4" "$1" 2>/dev/null && : >"$3/$key"
}
export -f check_one
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -I{} bash -c 'check_one "$@"' _ {} "$common" "$cache" "$build"
