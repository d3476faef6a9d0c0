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
. "$here/../tools/tree.sh"
enter_tree "$@"

mkdir -p drivers/firmware/tegra/bpmp-host
for file in "$here"/Kbuild "$here"/Kconfig "$here"/bpmp-host*.[ch]; do
  case "$file" in *.mod.c) continue ;; esac
  put "$file" "drivers/firmware/tegra/bpmp-host/$(basename "$file")"
done
put_vectors "$here/.." drivers/firmware/tegra/bpmp-host/bpmp-host-vectors.h
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
