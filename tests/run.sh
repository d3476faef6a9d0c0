#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs them.
#
#   tests/run.sh                everything: gcc; clang with ASan and UBSan and the fuzzers; clang with TSan;
#                               formatting and clang-tidy
#   tests/run.sh --quick        gcc only, unit and component tests: the inner loop
#   tests/run.sh -L LABEL       the tests with that ctest label (unit, component, fuzz, qemu, e2e), everywhere they
#                               run; with --quick: unit or component, gcc only
#   tests/run.sh ... -- ARGS    ARGS go to ctest
#
# Builds in build/<preset>, keeps its tools in build/tools, emulators and kernels in ~/.cache/bpmp-broker; changes
# nothing else on the machine but installed packages. At its end it says how long each stage took and which tests were
# skipped, and why, before ctest's closing lines.
# With BPMP_MINUTES set, slow builds that nothing else needs (the second versions of QEMU and Linux, the debug kernels,
# the broker for arm64) and clang-tidy get what is left of that time besides the tests'. What isn't finished then is
# left out, said so at the end, and goes on from there the next time.
# Exit status 0 when everything that ran passed.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/packages.sh

quick=no label='' ctest_args=()
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=yes ;;
    -L) label="${2:?-L needs a label}"; shift ;;
    --) shift; ctest_args=("$@"); break ;;
    -h|--help) sed -n '3,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "tests/run.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done
case "$label" in
  ''|unit|component|fuzz|qemu|e2e) ;;
  *) echo "tests/run.sh: no tests have the label '$label' (unit, component, fuzz, qemu, e2e)" >&2; exit 2 ;;
esac
case "$label" in fuzz|qemu|e2e) slow=yes ;; *) slow=no ;; esac
if [ "$quick" = yes ] && [ "$slow" = yes ]; then
  echo "tests/run.sh: --quick is for unit and component tests; run: tests/run.sh -L $label" >&2
  exit 2
fi

# Other random walks for every commit, the same ones for everybody who tests that commit.
export BPMP_PROPERTY_SEED="${BPMP_PROPERTY_SEED:-$((16#$(git rev-parse --short=7 HEAD 2>/dev/null || echo 1)))}"
# So that a clone elsewhere on this machine finds what another has compiled.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

# say STAGE: begins it, and ends the one before.
stages=() stage='' stage_began=0 last_log=/dev/null
say() {
  end_stage
  stage="$*" stage_began=$SECONDS last_log=/dev/null
  printf '\n== %s (after %d min)\n' "$*" $((SECONDS / 60))
}
end_stage() {
  [ -z "$stage" ] || stages+=("$(printf '%3d:%02d  %s' $(((SECONDS - stage_began) / 60)) \
    $(((SECONDS - stage_began) % 60)) "$stage")")
  stage=''
}
jobs="$(nproc)"

# build PRESET: configures and builds all of it.
build() {
  say "build: $1"
  mkdir -p build
  cmake --preset "$1" >"build/$1.log" 2>&1 || { cat "build/$1.log"; return 1; }
  cmake --build --preset "$1" -j "$jobs" -- --quiet
}

# check PRESET [-L LABELS]: runs its tests.
check() {
  local preset="$1" status=0
  shift
  say "test: $preset $*"
  last_log="build/$preset-tests.log"
  ctest --preset "$preset" -j "$jobs" --no-tests=error --progress --output-log "$last_log" \
    "$@" "${ctest_args[@]}" || status=$?
  note_skipped "$preset"
  return "$status"
}

# note_skipped PRESET: remembers which tests its last run skipped. GoogleTest prints the reason below
# "FILE:LINE: Skipped" and the name after it; ctest keeps both in its log only.
skipped=''
note_skipped() {
  skipped+="$(awk -v preset="$1" '
    / Skipped$/ { reason = ""; reading = 1; next }
    reading && /^\[  SKIPPED \]/ { printf "  %s (%s): %s\n", $4, preset, reason; reading = 0 }
    reading && NF { reason = reason (reason == "" ? "" : " ") $0 }
  ' "build/$1/Testing/Temporary/LastTest.log" 2>/dev/null || true)"
  [ -z "$skipped" ] || skipped="${skipped%$'\n'}"$'\n'
}
# The last words are ctest's own all the same, where a test was the last that ran.
conclude() {
  end_stage
  [ ${#stages[@]} -gt 0 ] || return 0
  printf '\n== minutes\n'
  printf '%s\n' "${stages[@]}"
  skipped+="$(cat build/left-out 2>/dev/null || true)"
  [ -z "$skipped" ] || printf '\n== skipped\n%s\n' "$skipped"
  printf '\n'
  sed -n '/tests passed, /,$p' "$last_log"
}
trap conclude EXIT
rm -f build/left-out

# hold FOLDER: what is built there stays as it is until we end, whoever builds from another checkout waits.
hold() {
  local lock
  exec {lock}>"${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/$1/lock"
  flock -s "$lock"
}

# in_time WHAT COMMAND...: runs the command, with the limit above. Status 124: it is left out.
readonly minutes_for_tests=30
in_time() {
  local what="$1" status=0 left
  shift
  [ -n "${BPMP_MINUTES:-}" ] || { "$@"; return; }
  left=$(((BPMP_MINUTES - minutes_for_tests) * 60 - SECONDS))
  # What is built already is quick.
  timeout --kill-after=10 "$((left > 90 ? left : 90))" "$@" || status=$?
  [ "$status" -ne 124 ] || echo "  $what: no time for it" >>build/left-out
  return "$status"
}

# emulators: builds QEMU with the device and this checkout's client library, and tells the tests where it is.
emulators() {
  local cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}" build=qemu-client/qemu/build.sh
  # Always in the same place, so that an emulator is configured once.
  cmake --install build/dev --component client --prefix "$cache/qemu/client" >/dev/null
  BPMP_QEMU_10_0="$("$build" --version 10.0 --client "$cache/qemu/client")"
  BPMP_QEMU_7_2="$(in_time 'QEMU 7.2' "$build" --version 7.2 --client "$cache/qemu/client")" || left_out
  BPMP_QEMU_10_0_SANITIZED="$(in_time 'QEMU with sanitizers' \
    "$build" --version 10.0 --sanitize --client "$cache/qemu/client")" || left_out
  tests/style/qemu.sh "$cache/qemu/src-10.0"
  export BPMP_QEMU_7_2 BPMP_QEMU_10_0 BPMP_QEMU_10_0_SANITIZED
  export LD_LIBRARY_PATH="$PWD/build/dev/qemu-client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

# left_out: nothing, after in_time has left something out; a failure is one.
left_out() { local status=$?; [ "$status" -eq 124 ] || return "$status"; }

# kernel NAME COMMAND...: builds a guest's kernel, and what it boots into, and tells the tests where it is.
kernels=()
kernel() {
  local build
  build="$("${@:2}")" || { left_out; return; }
  tests/e2e/initramfs.sh "$build" >/dev/null
  kernels+=("$build")
  export "BPMP_KERNEL_$1=$build"
}

wants() { [ -z "$label" ] || [ "$label" = "$1" ]; }

require_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
if [ "$quick" = no ] && { wants qemu || wants e2e; }; then require_packages "${PACKAGES_QEMU[@]}"; fi
if [ "$quick" = no ] && wants e2e; then require_packages "${PACKAGES_KERNEL[@]}" "${PACKAGES_ARM64[@]}"; fi
if wants unit; then fetch_promtool build/tools; fi
export PATH="$PWD/build/tools:$PATH"

if [ "$quick" = yes ]; then
  build dev
  check dev -L "${label:-unit|component}"
  exit 0
fi

[ -n "$label" ] || { say 'format'; tests/style/format.sh; }
if wants unit; then
  build tsan
  # Everything below the gRPC edge, with real threads.
  check tsan -L unit
fi
if [ "$label" != qemu ] && [ "$label" != e2e ]; then
  build asan
  check asan -L "${label:-unit|component|fuzz}"
fi
if [ "$label" != fuzz ]; then
  build dev
  if wants qemu || wants e2e; then
    say 'build: QEMU'
    emulators
    hold qemu
  fi
  if wants e2e; then
    say 'build: Linux'
    kernel 6_12 kernel/build.sh --version 6.12
    kernel 6_1 in_time 'Linux 6.1' kernel/build.sh --version 6.1
    tests/style/kernel.sh "${kernels[@]}"
    kernel 6_12_STOCK in_time 'Linux 6.12 without a change' kernel/build.sh --version 6.12 --stock
    kernel 6_1_STOCK in_time 'Linux 6.1 without a change' kernel/build.sh --version 6.1 --stock
    say 'build: arm64'
    BPMP_BROKER_ARM64="$(in_time 'the broker for arm64' tests/e2e/broker_arm64.sh)" || left_out
    export BPMP_BROKER_ARM64
    say 'build: debug kernels'
    for version in 6.12 6.1; do
      kernel "${version/./_}_DEBUG" in_time "Linux $version with KASAN" kernel/build.sh --version "$version" --debug
    done
    hold kernel
  fi
  if [ -z "$label" ]; then
    say 'clang-tidy'
    in_time 'clang-tidy' tests/style/tidy.sh build/asan || left_out
  fi
  check dev -L "${label:-unit|component|qemu|e2e}"
fi
