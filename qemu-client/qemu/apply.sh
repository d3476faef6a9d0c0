#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Wires the devices nvidia-bpmp-guest and nvidia-bpmp-mailbox into a QEMU source tree.
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

if grep -qs CONFIG_NVIDIA_BPMP_GUEST hw/misc/meson.build; then
  fail "this tree has the lines of an older apply.sh, which knew one device: begin with a tree as it was"
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

for file in hw/misc/nvidia_bpmp{,_guest,_mailbox,_mailbox_fdt,_channels,_inbound,_ivc}.c \
  include/hw/misc/nvidia_bpmp{,_guest,_mailbox,_mailbox_internal,_ivc,_compat}.h docs/specs/nvidia-bpmp-{guest,mailbox}.rst; do
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

add hw/misc/Kconfig 'config NVIDIA_BPMP' '$' <<'LINES'

config NVIDIA_BPMP
    bool
    depends on PLATFORM_BUS
LINES
add hw/misc/meson.build CONFIG_NVIDIA_BPMP '$' <<LINES

bpmp_client = dependency('libbpmp-client', method: 'pkg-config', required: false)
$sources.add(when: ['CONFIG_NVIDIA_BPMP', bpmp_client], if_true: files(
  'nvidia_bpmp.c',
  'nvidia_bpmp_channels.c',
  'nvidia_bpmp_guest.c',
  'nvidia_bpmp_inbound.c',
  'nvidia_bpmp_ivc.c',
  'nvidia_bpmp_mailbox.c',
  'nvidia_bpmp_mailbox_fdt.c',
))
LINES
add hw/misc/trace-events nvidia_bpmp.c '$' <<'LINES'

# nvidia_bpmp.c
nvidia_bpmp_release(void) ""
nvidia_bpmp_log(const char *message) "%s"

# nvidia_bpmp_guest.c
nvidia_bpmp_guest_read(uint64_t offset, unsigned size, uint64_t value) "offset 0x%" PRIx64 " size %u value 0x%" PRIx64
nvidia_bpmp_guest_write(uint64_t offset, unsigned size, uint64_t value) "offset 0x%" PRIx64 " size %u value 0x%" PRIx64
nvidia_bpmp_guest_ring(uint32_t mrq, uint64_t tx_size, uint64_t rx_size) "mrq %" PRIu32 " tx_size 0x%" PRIx64 " rx_size 0x%" PRIx64
nvidia_bpmp_guest_answer(int status, int32_t error, uint64_t size) "status %d error %" PRId32 " size %" PRIu64

# nvidia_bpmp_mailbox.c
nvidia_bpmp_mailbox_read(uint64_t offset, uint64_t value) "offset 0x%" PRIx64 " value 0x%" PRIx64
nvidia_bpmp_mailbox_write(uint64_t offset, uint64_t value) "offset 0x%" PRIx64 " value 0x%" PRIx64

# nvidia_bpmp_channels.c
nvidia_bpmp_mailbox_request(unsigned channel, uint32_t mrq, uint32_t flags) "channel %u mrq %" PRIu32 " flags 0x%" PRIx32
nvidia_bpmp_mailbox_answer(unsigned channel, int status, int32_t error, bool in_time) "channel %u status %d error %" PRId32 " in_time %d"

# nvidia_bpmp_inbound.c
nvidia_bpmp_mailbox_inbound(uint32_t mrq) "mrq %" PRIu32
nvidia_bpmp_mailbox_inbound_answer(int32_t error) "error %" PRId32
LINES
add hw/arm/Kconfig 'imply NVIDIA_BPMP' 'imply TPM_TIS_SYSBUS' <<'LINES'
    imply NVIDIA_BPMP
LINES
add hw/arm/virt.c 'hw/misc/nvidia_bpmp_guest.h' '#include "hw/platform-bus.h"' <<'LINES'
#include "hw/misc/nvidia_bpmp_guest.h"
#include "hw/misc/nvidia_bpmp_mailbox.h"
LINES
add hw/arm/virt.c TYPE_NVIDIA_BPMP_GUEST 'allow_dynamic_sysbus_dev(mc, TYPE_RAMFB_DEVICE);' <<'LINES'
    machine_class_allow_dynamic_sysbus_dev(mc, TYPE_NVIDIA_BPMP_GUEST);
    machine_class_allow_dynamic_sysbus_dev(mc, TYPE_NVIDIA_BPMP_MAILBOX);
LINES
add hw/core/sysbus-fdt.c 'hw/misc/nvidia_bpmp_guest.h' '#include "hw/display/ramfb.h"' <<'LINES'
#include "hw/misc/nvidia_bpmp_guest.h"
#include "hw/misc/nvidia_bpmp_mailbox.h"
LINES
# The devices write their nodes themselves: they aren't on the platform bus.
add hw/core/sysbus-fdt.c TYPE_NVIDIA_BPMP_GUEST 'TYPE_BINDING(TYPE_RAMFB_DEVICE, no_fdt_node),' <<'LINES'
    TYPE_BINDING(TYPE_NVIDIA_BPMP_GUEST, no_fdt_node),
    TYPE_BINDING(TYPE_NVIDIA_BPMP_MAILBOX, no_fdt_node),
LINES
add docs/specs/index.rst nvidia-bpmp-guest '$' <<'LINES'
   nvidia-bpmp-guest
   nvidia-bpmp-mailbox
LINES
add MAINTAINERS nvidia_bpmp '$' <<'LINES'

NVIDIA Tegra BPMP for guests
S: Maintained
F: hw/misc/nvidia_bpmp*.c
F: include/hw/misc/nvidia_bpmp*.h
F: docs/specs/nvidia-bpmp-*.rst
LINES
