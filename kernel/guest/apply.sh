#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Puts the guest proxy into a Linux source tree.
#
#   kernel/guest/apply.sh SRC
#
# Copies the proxy's files to drivers/firmware/tegra and patches the BPMP's driver there, with the one of the patches
# that fits. What is there already stays as it is, so that it can be run again after a change. Tested with Linux 6.1
# and 6.12; a patch that fits 5.15 or 6.6 is there, untested. Then configure with CONFIG_TEGRA_BPMP_GUEST_PROXY.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/../tools/tree.sh"
enter_tree "$@"

for file in "$here"/drivers/firmware/tegra/*; do
  put "$file" "drivers/firmware/tegra/$(basename "$file")"
done
put_vectors "$here/.." drivers/firmware/tegra/conformance-vectors.h

grep -q TEGRA_BPMP_GUEST_PROXY drivers/firmware/tegra/Kconfig && exit 0
for patch in "$here"/patches/*.patch; do
  if patch -p1 --dry-run -F0 -s -f <"$patch" >/dev/null; then
    patch -p1 -F0 -s <"$patch"
    exit 0
  fi
done
fail "no patch in $here/patches fits this tree: Linux 5.15 to 6.12 are supported"
