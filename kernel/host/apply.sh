#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Puts the host proxy into a Linux source tree, to be built into the kernel. A module needs none of this.
#
#   kernel/host/apply.sh SRC
#
# Copies the proxy to drivers/firmware/tegra/bpmp-host and its ABI's header to include/uapi/linux, and names both
# where the tree lists its parts. What is there already stays as it is, so that it can be run again after a change.
# Then configure with CONFIG_TEGRA_BPMP_HOST_PROXY.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

fail() { echo "apply.sh: $*" >&2; exit 1; }
[ $# -eq 1 ] || fail "give the Linux source tree, e.g.: apply.sh ~/src/linux"
[ -f "$1/drivers/firmware/tegra/bpmp.c" ] || fail "'$1' is no Linux source tree with the BPMP's driver"
cd "$1"

# put FROM TO: copies unless it is the same, so that nothing is built in vain.
put() { cmp -s "$1" "$2" || cp "$1" "$2"; }

mkdir -p drivers/firmware/tegra/bpmp-host
for file in "$here"/Kbuild "$here"/Kconfig "$here"/bpmp-host*.[ch]; do
  case "$file" in *.mod.c) continue ;; esac
  put "$file" "drivers/firmware/tegra/bpmp-host/$(basename "$file")"
done
made="$(mktemp)"
trap 'rm -f "$made"' EXIT
python3 "$here/../tools/conformance-vectors.py" "$here/../../tests/conformance/vectors" >"$made"
put "$made" drivers/firmware/tegra/bpmp-host/bpmp-host-vectors.h
put "$here/../include/uapi/linux/tegra-bpmp-host.h" include/uapi/linux/tegra-bpmp-host.h

folder=drivers/firmware/tegra
if ! grep -q bpmp-host $folder/Kconfig; then
  # Into the menu, which ends the file.
  grep -qx endmenu $folder/Kconfig || fail "$folder/Kconfig has no menu to stand in"
  sed -i "s|^endmenu\$|source \"$folder/bpmp-host/Kconfig\"\n\nendmenu|" $folder/Kconfig
fi
grep -q bpmp-host $folder/Makefile ||
  # shellcheck disable=SC2016  # for make
  echo 'obj-$(CONFIG_TEGRA_BPMP_HOST_PROXY) += bpmp-host/' >>$folder/Makefile
