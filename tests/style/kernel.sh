#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel's code as its own checkers want it: checkpatch --strict, sparse and W=1 say nothing, nor does dt-schema of
# the device-tree bindings; and DKMS can build its package of the host proxy.
#
#   tests/style/kernel.sh BUILD...     folders that kernel/build.sh has printed
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "kernel.sh: give a kernel's build folder" >&2; exit 2; }
status=0

src="$(readlink -f "$1/source")"
check() { perl "$src/scripts/checkpatch.pl" --strict --no-tree --quiet "$@" || status=1; }
# Not the programs for user space. Our copies for other versions of Linux need to know the version.
mapfile -t sources < <(git ls-files 'kernel/*.c' 'kernel/*.h' 'tests/e2e/*.c' 'tests/bench/*.c' \
  ':!kernel/host/tests' ':!tests/bench/guest/round_trips.c' ':!tests/bench/guest/callers.c')
check --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON --file "${sources[@]}"
for patch in kernel/guest/patches/*.patch; do check --no-signoff - <"$patch"; done

tests/style/bindings.sh "$src" || status=1

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
# said WHERE ARGUMENT...: fails when sparse or the compiler say something about our files there, or don't come to it.
said() {
  if ! make -s -C "$build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- C=2 W=1 "${@:2}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    status=1
  elif grep -E "$1" "$log" >&2; then
    status=1
  fi
}
for build in "$@"; do
  said 'drivers/firmware/tegra/bpmp-guest' drivers/firmware/tegra/
  # What tests/e2e/initramfs.sh has copied there.
  touch "$build"/bpmp-modules/{host,consumer}/*.c
  said 'bpmp-host' CONFIG_TEGRA_BPMP_HOST_PROXY=m M="$build/bpmp-modules/host" modules
  said 'bpmp-modules/consumer' M="$build/bpmp-modules/consumer" modules
  tests/style/dkms.sh "$build" || status=1
done
exit $status
