#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Would docs_commands.sh notice? Breaks the manual in five ways and wants five complaints.
#
#   docs_commands_test.sh SOURCE BPMP-BROKER BPMPCTL BOARD.dts
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
source_dir="$1"
shift
copy="$(mktemp -d "${TMPDIR:-/tmp}/bpmp-docs-XXXXXX")"
trap 'rm -rf "$copy"' EXIT
cp -r "$source_dir/README.md" "$source_dir/docs" "$copy"

# break_line PAGE SED: where nothing changes, the page has another text now, and this test with it.
break_line() {
  local before
  before="$(sha256sum <"$copy/$1")"
  sed -i "$2" "$copy/$1"
  [ "$(sha256sum <"$copy/$1")" != "$before" ] || { echo "$1 has nothing for: $2"; exit 1; }
}
break_line docs/bpmpctl.md 's/ session net-vm --stay &$/ session net-vm --bogus \&/'
break_line docs/bpmpctl.md 's/^source <(bpmpctl completion/source <(bpmpctl complexion/'
break_line docs/configuration.md 's/ --allow-insecure-tcp$/ --allow-nonsense/'
break_line README.md 's/`bpmpctl why-on CLOCK`/`bpmpctl why-onn CLOCK`/'
break_line README.md 's/devices: \[mgbe0\]/devicez: [mgbe0]/'

! said="$("$here/docs_commands.sh" "$copy" "$@" 2>&1)" || { echo "it has nothing to complain about"; exit 1; }
grep -q ', 5 failed$' <<<"$said" || { echo "$said"; exit 1; }
