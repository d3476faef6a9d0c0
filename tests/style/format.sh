#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails and lists the files that clang-format would change, or that name no licence. With --fix: formats.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t sources < <(git ls-files -- '*.cc' '*.h' '*.proto')
if [ "${1:-}" = --fix ]; then
  clang-format-14 -i "${sources[@]}"
  exit 0
fi
status=0
clang-format-14 --dry-run --Werror "${sources[@]}" 2>&1 | grep -E 'error:' | cut -d: -f1 | sort | uniq -c || true
clang-format-14 --dry-run --Werror "${sources[@]}" >/dev/null 2>&1 || {
  echo "not formatted (tests/style/format.sh --fix)" >&2
  status=1
}
while read -r file; do
  head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || {
    echo "$file: no SPDX-License-Identifier in its first lines" >&2
    status=1
  }
done < <(git ls-files -- '*.cc' '*.h' '*.c' '*.proto' '*.sh' '*.py' '*.cmake' '*CMakeLists.txt' '.ci/run')
exit $status
