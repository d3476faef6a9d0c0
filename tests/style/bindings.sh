#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The device-tree bindings as dt-schema wants them, and their examples as the bindings want them.
#
#   tests/style/bindings.sh SRC     a Linux source tree, whose headers the examples include
#
# What `make dt_binding_check` does, for our bindings alone and with the distribution's dt-schema: the kernel's own
# bindings need a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 1 ] && [ -d "$1/include/dt-bindings" ] || { echo "bindings.sh: give a Linux source tree" >&2; exit 2; }
src="$(readlink -f "$1")"
cd kernel/Documentation/devicetree/bindings
bindings=(*/*.yaml)

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
status=0
# silent COMMAND...: fails when it says something; these tools may do so and exit with 0.
silent() {
  if ! "$@" >"$work/said" 2>&1 || [ -s "$work/said" ]; then
    cat "$work/said" >&2
    status=1
  fi
}

# example BINDING: its examples as a device tree, in $work/example.dtb.
example() {
  dt-extract-example "$1" |
    cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "$src/include" |
    dtc -I dts -O dtb -Wno-avoid_unnecessary_addr_size -o "$work/example.dtb"
}

for binding in "${bindings[@]}"; do silent dt-doc-validate -u . "$binding"; done
dt-mk-schema --json "${bindings[@]}" >"$work/schema.json"
for binding in "${bindings[@]}"; do
  silent example "$binding"
  # Also a node that no binding is for.
  silent dt-validate --show-unmatched -s "$work/schema.json" "$work/example.dtb"
done
exit $status
