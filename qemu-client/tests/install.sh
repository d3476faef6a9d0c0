#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the client library somewhere, and builds programs against it there, with pkg-config and with CMake: the one of
# client_test.c, and the one of docs/client-library.md in both ways that the page shows, which then asks a broker.
#
#   install.sh BUILD-DIR CC BPMP-BROKER
set -euo pipefail
build="$1" cc="$2" broker="$3" tests="$(cd "$(dirname "$0")" && pwd)"
page="$tests/../../docs/client-library.md"
there="$(mktemp -d)"
pid=
finish() {
  if [ -n "$pid" ]; then kill "$pid" && wait "$pid" || true; fi
  rm -rf "$there"
}
trap finish EXIT
cmake --install "$build" --component client --prefix "$there/usr" >"$there/log"

# The page's block of this language.
block() {
  awk -v language="\`\`\`$1" '$0 == language { code = 1; next } /^```/ { code = 0 } code' "$page"
}
mkdir "$there/project"
{
  echo '#include <bpmp_client.h>'
  echo '#include <stdint.h>'
  echo '#include <stdio.h>'
  echo 'int main(void) {'
  echo 'const uint32_t mrq = 0; /* PING, which answers twice its challenge */'
  echo 'const uint8_t tx[4] = {21}; uint8_t rx[4] = {0}; const size_t tx_size = 4, rx_size = 4;'
  block c | sed "s|/run/bpmp-broker|$there/run|"
  echo 'bpmp_client_close(client);'
  echo 'printf("%d %d %d\n", status, bpmp_error, rx[0]);'
  echo 'return 0; }'
} >"$there/project/vmm.c"

PKG_CONFIG_PATH="$(dirname "$(find "$there/usr" -name libbpmp-client.pc)")"
export PKG_CONFIG_PATH
read -ra flags < <(pkg-config --cflags --libs libbpmp-client)
"$cc" -D_GNU_SOURCE "$tests/client_test.c" -pthread "${flags[@]}" -o "$there/with-pkg-config"
(cd "$there/project" && bash -ec "$(block sh)")

cat >"$there/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(vmm C)
add_executable(vmm vmm.c)
$(block cmake)
find_package(bpmp-client 0.1 REQUIRED)
find_package(Threads REQUIRED)
add_executable(with-cmake "$tests/client_test.c")
target_compile_definitions(with-cmake PRIVATE _GNU_SOURCE)
target_link_libraries(with-cmake PRIVATE bpmp::client Threads::Threads)
END
cmake -S "$there/project" -B "$there/build" -DCMAKE_PREFIX_PATH="$there/usr" -DCMAKE_C_COMPILER="$cc" >>"$there/log"
cmake --build "$there/build" >>"$there/log"
libraries="$(dirname "$PKG_CONFIG_PATH")"

# They load it: without an argument they say so by their exit status, and do nothing.
for program in "$there/with-pkg-config" "$there/build/with-cmake"; do
  status=0
  LD_LIBRARY_PATH="$libraries" "$program" || status=$?
  [ "$status" -eq 2 ]
done

printf 'runtime_dir: %s/run\nmetrics: {listen: off}\nvms: [{name: net-vm}]\n' "$there" >"$there/broker.yaml"
"$broker" --sim --config "$there/broker.yaml" >"$there/log" 2>&1 &
pid=$!
# The library itself waits for the broker.
for program in "$there/project/a.out" "$there/build/vmm"; do
  said="$(LD_LIBRARY_PATH="$libraries" "$program")" || { cat "$there/log"; exit 1; }
  [ "$said" = "0 0 42" ] || { echo "$program says '$said', not '0 0 42'"; exit 1; }
done
