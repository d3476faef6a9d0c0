#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the broker. One line per figure on standard output, tab-separated: name, value, unit, target, `ok` or
# `short`. Ratios are against an empty gRPC echo in the same run, or against the known guest proxy's way, the two
# sides taken in turn; a busy machine makes them worse, so run it on a quiet one. Exit status 0 when all could be
# measured.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/lib/packages.sh
{
  require_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_QEMU[@]}" "${PACKAGES_KERNEL[@]}"
  cmake --preset release
  cmake --build --preset release -j "$(nproc)" \
    --target bpmp-broker core_bench echo_server guest_bench client_bench layers_bench scale_bench device_bench boot_bench \
    mailbox_bench bench_stand_in bpmp-client
  cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}"
  cmake --install build/release --component client --prefix "$cache/qemu/client"
  qemu="$(qemu-client/qemu/build.sh --version 10.0 --client "$cache/qemu/client")"
  kernel="$(kernel/build.sh --version 6.12)"
  known="$(kernel/build.sh --version 6.12 --guest-proxy tests/bench/known/known-guest-proxy.c)"
  stock="$(kernel/build.sh --version 6.12 --stock)"
  # guest KERNEL: what it boots into.
  guest() {
    local programs
    programs="$(tests/bench/guest/build.sh "$1")"
    mapfile -t programs <<<"$programs"
    tests/e2e/initramfs.sh "$1" "${programs[@]}"
  }
  initramfs="$(guest "$kernel")"
  stock_initramfs="$(guest "$stock")"
} >&2
export LD_LIBRARY_PATH="$PWD/build/release/qemu-client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
build/release/tests/bench/core_bench
for bench in guest_bench client_bench layers_bench scale_bench; do
  "build/release/tests/bench/$bench" build/release/broker/daemon/bpmp-broker \
    build/release/tests/bench/echo_server
done
build/release/tests/bench/device_bench build/release/broker/daemon/bpmp-broker \
  build/release/tests/bench/echo_server "$qemu"
build/release/tests/bench/boot_bench build/release/broker/daemon/bpmp-broker \
  build/release/tests/bench/echo_server "$qemu" "$kernel" "$known" "$initramfs" \
  "$PWD/build/release/tests/bench/stand_in"
build/release/tests/bench/mailbox_bench build/release/broker/daemon/bpmp-broker \
  build/release/tests/bench/echo_server "$qemu" "$stock" "$stock_initramfs" "$kernel" "$initramfs" \
  "$PWD/build/release/tests/bench/stand_in"
