#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the program of docs/client-library.md in both ways that it shows, against the library as it is installed, and
# runs it with a broker on the simulator.
#
#   client_page.sh SOURCE BUILD BPMP-BROKER
set -euo pipefail
page="$1/docs/client-library.md"
broker="$(realpath "$3")"
dir="$(mktemp -d "${TMPDIR:-/tmp}/bpmp-page-XXXXXX")"
pid=
finish() {
  if [ -n "$pid" ]; then kill "$pid" && wait "$pid" || true; fi
  rm -rf "$dir"
}
trap finish EXIT

# The page's block of this language.
block() {
  awk -v language="\`\`\`$1" '$0 == language { code = 1; next } /^```/ { code = 0 } code' "$page"
}

cmake --install "$2" --component client --prefix "$dir/prefix" >/dev/null
pkgconfig="$(dirname "$(find "$dir/prefix" -name libbpmp-client.pc)")"

mkdir "$dir/vmm"
cd "$dir/vmm"
{
  echo '#include <bpmp_client.h>'
  echo '#include <stdint.h>'
  echo '#include <stdio.h>'
  echo 'int main(void) {'
  echo 'const uint32_t mrq = 0; /* PING, which answers twice its challenge */'
  echo 'const uint8_t tx[4] = {21}; uint8_t rx[4] = {0}; const size_t tx_size = 4, rx_size = 4;'
  block c | sed "s|/run/bpmp-broker|$dir/run|"
  echo 'bpmp_client_close(client);'
  echo 'printf("%d %d %d\n", status, bpmp_error, rx[0]);'
  echo 'return 0; }'
} >vmm.c
{
  echo 'cmake_minimum_required(VERSION 3.25)'
  echo 'project(vmm C)'
  echo 'add_executable(vmm vmm.c)'
  block cmake
} >CMakeLists.txt

PKG_CONFIG_PATH="$pkgconfig" bash -ec "$(block sh)"
cmake -G Ninja -S . -B build -DCMAKE_PREFIX_PATH="$dir/prefix" >cmake.log || { cat cmake.log; exit 1; }
cmake --build build >build.log || { cat build.log; exit 1; }

printf 'runtime_dir: %s/run\nmetrics: {listen: off}\nvms: [{name: net-vm}]\n' "$dir" >"$dir/broker.yaml"
"$broker" --sim --config "$dir/broker.yaml" >"$dir/log" 2>&1 &
pid=$!
# The library itself waits for the broker.
for program in ./a.out build/vmm; do
  said="$(LD_LIBRARY_PATH="$(dirname "$pkgconfig")" "$program")" || { cat "$dir/log"; exit 1; }
  [ "$said" = "0 0 42" ] || { echo "$program says '$said', not '0 0 42'"; exit 1; }
done
