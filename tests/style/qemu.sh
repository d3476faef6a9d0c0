#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The QEMU device as QEMU's own checker wants it: no error, no warning.
#
#   tests/style/qemu.sh SRC     a QEMU source tree, for its scripts/checkpatch.pl
set -euo pipefail
cd "$(dirname "$0")/../.."
perl "${1:?give a QEMU source tree}/scripts/checkpatch.pl" --no-tree --quiet --file \
  $(git ls-files 'qemu-client/qemu/*.c' 'qemu-client/qemu/*.h')
