# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the apply.sh have in common, which put our files into a Linux source tree. Sourced by them.

fail() { echo "apply.sh: $*" >&2; exit 1; }

# enter_tree SRC...: goes there; fails unless it is one tree, with the BPMP's driver.
enter_tree() {
  [ $# -eq 1 ] || fail "give the Linux source tree, e.g.: apply.sh ~/src/linux"
  [ -f "$1/drivers/firmware/tegra/bpmp.c" ] || fail "'$1' is no Linux source tree with the BPMP's driver"
  cd "$1"
}

# put FROM TO: copies unless it is the same, so that nothing is built in vain.
put() { cmp -s "$1" "$2" || cp "$1" "$2"; }

# put_vectors KERNEL TO: the tests' vectors as a header, made from those beside our folder KERNEL.
put_vectors() {
  local made
  made="$(mktemp)"
  python3 "$1/tools/conformance-vectors.py" "$1/../tests/conformance/vectors" >"$made" ||
    { rm -f "$made"; fail "the tests' vectors can't be made into a header"; }
  put "$made" "$2"
  rm -f "$made"
}
