# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Copies of sources that are built elsewhere. Sourced by the scripts.

# mirror FROM TO: TO has the sources of FROM, and what was built from them. Goes by contents and not by time: another
# checkout's copy may be newer, and what is the same is not built again.
mirror() {
  local from="$1" to="$2" file
  mkdir -p "$to"
  (cd "$from" && find . -type f) | while read -r file; do
    cmp -s "$from/$file" "$to/$file" || { mkdir -p "$(dirname "$to/$file")"; cp "$from/$file" "$to/$file"; }
  done
  # What is no more; but for what is made there.
  (cd "$to" && find . -name '*.[ch]' ! -name '*.mod.c' ! -name '*-vectors.h') | while read -r file; do
    [ -e "$from/$file" ] || rm -f "$to/$file" "$to/${file%.c}.o"
  done
}
