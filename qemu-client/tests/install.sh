#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the client library somewhere, and builds a program against it there: with pkg-config, and with CMake.
#
#   install.sh BUILD-DIR CC
set -euo pipefail
build="$1" cc="$2" tests="$(cd "$(dirname "$0")" && pwd)"
there="$(mktemp -d)"
trap 'rm -rf "$there"' EXIT
cmake --install "$build" --component client --prefix "$there/usr" >"$there/log"

PKG_CONFIG_PATH="$(dirname "$(find "$there/usr" -name libbpmp-client.pc)")"
export PKG_CONFIG_PATH
read -ra flags < <(pkg-config --cflags --libs libbpmp-client)
"$cc" -D_GNU_SOURCE "$tests/client_test.c" -pthread "${flags[@]}" -o "$there/with-pkg-config"

mkdir "$there/project"
cat >"$there/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(vmm C)
find_package(bpmp-client 0.1 REQUIRED)
find_package(Threads REQUIRED)
add_executable(vmm "$tests/client_test.c")
target_compile_definitions(vmm PRIVATE _GNU_SOURCE)
target_link_libraries(vmm PRIVATE bpmp::client Threads::Threads)
END
cmake -S "$there/project" -B "$there/build" -DCMAKE_PREFIX_PATH="$there/usr" -DCMAKE_C_COMPILER="$cc" >>"$there/log"
cmake --build "$there/build" >>"$there/log"

# They load it: without an argument they say so by their exit status, and do nothing.
for program in "$there/with-pkg-config" "$there/build/vmm"; do
  status=0
  LD_LIBRARY_PATH="$(dirname "$PKG_CONFIG_PATH")" "$program" || status=$?
  [ "$status" -eq 2 ]
done
