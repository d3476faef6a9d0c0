#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel's code as its own checkers want it: checkpatch --strict, sparse and W=1 say nothing.
#
#   tests/style/kernel.sh BUILD...     folders that kernel/build.sh has printed
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "kernel.sh: give a kernel's build folder" >&2; exit 2; }
status=0

src="$(readlink -f "$1/source")"
check() { perl "$src/scripts/checkpatch.pl" --strict --no-tree --quiet "$@" || status=1; }
mapfile -t sources < <(git ls-files 'kernel/*.c' 'kernel/*.h' 'tests/e2e/*.c')
check --file "${sources[@]}"
for patch in kernel/guest/patches/*.patch; do check --no-signoff - <"$patch"; done

for build in "$@"; do
  src="$(readlink -f "$build/source")"
  said="$(make -s -C "$src" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- O="$build" C=2 W=1 \
    drivers/firmware/tegra/ 2>&1 | grep -E 'drivers/firmware/tegra/bpmp-guest' || true)"
  if [ -n "$said" ]; then echo "$said" >&2; status=1; fi
done
exit $status
