#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Wires the device nvidia-bpmp-guest into a QEMU source tree.
#
#   qemu-client/qemu/apply.sh SRC
#
# Copies the device's files to their places and adds the lines that make QEMU know them. What is there already
# stays as it is, so that it can be run again after a change. Looks for features, not for versions, where versions
# differ. Tested with QEMU 7.2 and 10.0; takes what is between, and 10.1, and says so. The tree is then configured
# as always; libbpmp-client must be known to pkg-config.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

fail() { echo "apply.sh: $*" >&2; exit 1; }
[ $# -eq 1 ] || fail "give the QEMU source tree, e.g.: apply.sh ~/src/qemu"
[ -f "$1/VERSION" ] && [ -f "$1/hw/arm/virt.c" ] || fail "'$1' is no QEMU source tree"
cd "$1"

version="$(cat VERSION)"
case "$version" in
  *.*.[5-9][0-9]) fail "QEMU $version is a development snapshot: 7.2 to 10.1 are supported" ;;
  7.2.*|10.0.*) ;;
  8.*|9.*|10.1.*) echo "apply.sh: QEMU $version is untested; 7.2 and 10.0 are tested" >&2 ;;
  *) fail "QEMU $version is not supported: 7.2 to 10.1 are" ;;
esac

if [ -f hw/misc/nvidia_bpmp_guest.c ] && [ ! -f include/hw/misc/nvidia_bpmp_features.h ]; then
  fail "this tree has another hw/misc/nvidia_bpmp_guest.c: take that patch out first"
fi

# put FROM TO: copies unless it is the same, so that nothing is built in vain.
put() {
  mkdir -p "$(dirname "$2")"
  cmp -s "$1" "$2" || cp "$1" "$2"
}
# Adds the lines from standard input to FILE after the first line that has ANCHOR (or at the end, for '$'), unless
# FILE has MARK already.
add() { # FILE MARK ANCHOR
  local file="$1" mark="$2" anchor="$3" text
  text="$(cat)"
  grep -qF -- "$mark" "$file" && return 0
  if [ "$anchor" = '$' ]; then
    printf '%s\n' "$text" >>"$file"
    return 0
  fi
  grep -qF -- "$anchor" "$file" || fail "$file has no line with '$anchor': this tree is not as expected"
  awk -v anchor="$anchor" -v text="$text" '
    { print }
    !done && index($0, anchor) { print text; done = 1 }
  ' "$file" >"$file.bpmp"
  cat "$file.bpmp" >"$file"
  rm "$file.bpmp"
}

for file in hw/misc/nvidia_bpmp_guest.c include/hw/misc/nvidia_bpmp_guest.h \
  include/hw/misc/nvidia_bpmp_compat.h docs/specs/nvidia-bpmp-guest.rst; do
  put "$here/$file" "$file"
done

# --- What this tree has ---------------------------------------------------------------------------
features="$(mktemp)"
trap 'rm -f "$features"' EXIT
feature() { # NAME PATTERN FILE...
  local name="$1" pattern="$2"
  shift 2
  if grep -qsE -- "$pattern" "$@"; then echo "#define NVIDIA_BPMP_HAVE_$name 1"; fi
}
{
  echo '/* Written by apply.sh: what this tree has. SPDX-License-Identifier: GPL-2.0-or-later */'
  feature SYSTEM_HEADERS . include/system/tcg.h
  feature SYSTEM_MEMORY . include/system/address-spaces.h
  feature REENTRANCY_GUARD 'bool disable_reentrancy_guard;' include/exec/memory.h include/system/memory.h
  feature HOLD_TYPE 'ResettableHoldPhase\)\(Object \*obj, ResetType' include/hw/resettable.h
  feature CONST_CLASS_DATA 'class_init\)\(ObjectClass \*klass, const void' include/qom/object.h
} >"$features"
put "$features" include/hw/misc/nvidia_bpmp_features.h

# --- The lines that make it known -----------------------------------------------------------------
sources=system_ss
grep -q 'system_ss' hw/misc/meson.build || sources=softmmu_ss

add hw/misc/Kconfig 'config NVIDIA_BPMP_GUEST' '$' <<'LINES'

config NVIDIA_BPMP_GUEST
    bool
    depends on PLATFORM_BUS
LINES
add hw/misc/meson.build CONFIG_NVIDIA_BPMP_GUEST '$' <<LINES

bpmp_client = dependency('libbpmp-client', method: 'pkg-config', required: false)
$sources.add(when: ['CONFIG_NVIDIA_BPMP_GUEST', bpmp_client],
  if_true: files('nvidia_bpmp_guest.c'))
LINES
add hw/misc/trace-events nvidia_bpmp_guest.c '$' <<'LINES'

# nvidia_bpmp_guest.c
nvidia_bpmp_guest_read(uint64_t offset, unsigned size, uint64_t value) "offset 0x%" PRIx64 " size %u value 0x%" PRIx64
nvidia_bpmp_guest_write(uint64_t offset, unsigned size, uint64_t value) "offset 0x%" PRIx64 " size %u value 0x%" PRIx64
nvidia_bpmp_guest_ring(uint32_t mrq, uint64_t tx_size, uint64_t rx_size) "mrq %" PRIu32 " tx_size 0x%" PRIx64 " rx_size 0x%" PRIx64
nvidia_bpmp_guest_answer(int status, int32_t error, uint64_t size) "status %d error %" PRId32 " size %" PRIu64
nvidia_bpmp_guest_reset(void) ""
nvidia_bpmp_guest_log(const char *message) "%s"
LINES
add hw/arm/Kconfig 'imply NVIDIA_BPMP_GUEST' 'imply TPM_TIS_SYSBUS' <<'LINES'
    imply NVIDIA_BPMP_GUEST
LINES
add hw/arm/virt.c 'hw/misc/nvidia_bpmp_guest.h' '#include "hw/platform-bus.h"' <<'LINES'
#include "hw/misc/nvidia_bpmp_guest.h"
LINES
add hw/arm/virt.c TYPE_NVIDIA_BPMP_GUEST 'allow_dynamic_sysbus_dev(mc, TYPE_RAMFB_DEVICE);' <<'LINES'
    machine_class_allow_dynamic_sysbus_dev(mc, TYPE_NVIDIA_BPMP_GUEST);
LINES
add hw/core/sysbus-fdt.c 'hw/misc/nvidia_bpmp_guest.h' '#include "hw/display/ramfb.h"' <<'LINES'
#include "hw/misc/nvidia_bpmp_guest.h"
LINES
# The device writes its node itself: it isn't on the platform bus.
add hw/core/sysbus-fdt.c TYPE_NVIDIA_BPMP_GUEST 'TYPE_BINDING(TYPE_RAMFB_DEVICE, no_fdt_node),' <<'LINES'
    TYPE_BINDING(TYPE_NVIDIA_BPMP_GUEST, no_fdt_node),
LINES
add docs/specs/index.rst nvidia-bpmp-guest '$' <<'LINES'
   nvidia-bpmp-guest
LINES
add MAINTAINERS nvidia_bpmp_guest '$' <<'LINES'

NVIDIA Tegra BPMP for guests
S: Maintained
F: hw/misc/nvidia_bpmp_guest.c
F: include/hw/misc/nvidia_bpmp_*.h
F: docs/specs/nvidia-bpmp-guest.rst
LINES
