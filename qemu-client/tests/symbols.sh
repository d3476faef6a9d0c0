#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails unless the library exports what its header declares, all of it and nothing else, under its version.
#
#   symbols.sh LIBRARY HEADER
set -euo pipefail
library="$1" header="$2"
exported="$(nm -D --defined-only --format=posix "$library" | awk '$2 != "A" { print $1 }' | sort)"
declared="$(grep -oE '^[a-z].*\bbpmp_client_[a-z_]+\(' "$header" | grep -v '^typedef' |
  grep -oE 'bpmp_client_[a-z_]+\(' | sed 's/($/@@BPMP_CLIENT_0/' | sort)"
diff <(echo "$declared") <(echo "$exported") >&2 || {
  echo "$library: exports (>) are not what the header declares (<)" >&2
  exit 1
}
readelf -d "$library" | grep -q 'SONAME.*\[libbpmp-client\.so\.0\]'
readelf -d "$library" | grep -q NODELETE
