#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what the benchmarks need in a guest, for tests/e2e/initramfs.sh to put there.
#
#   tests/bench/guest/build.sh BUILD
#
# BUILD is a folder that kernel/build.sh has printed. Prints the paths of the module and of the programs, which
# are kept in BUILD.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/../../../deploy/lib/mirror.sh"
[ $# -eq 1 ] && [ -f "$1/arch/arm64/boot/Image" ] ||
  { echo "build.sh: give a kernel's build folder (kernel/build.sh prints it)" >&2; exit 2; }
build="$(cd "$1" && pwd)"
# A copy: a build leaves its files beside the sources.
copy="$build/bpmp-modules/bench"
mirror "$here" "$copy"
make -s -C "$build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- M="$copy" modules >"$copy.log" 2>&1 ||
  { cat "$copy.log" >&2; exit 1; }
for program in round_trips callers; do
  aarch64-linux-gnu-gcc -static -O2 -Wall -Wextra -Werror -o "$copy/$program" "$copy/$program.c"
done
printf '%s\n' "$copy/bpmp-bench.ko" "$copy/round_trips" "$copy/callers"
