# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What deploy/demo.sh's stories are told with: the broker in a directory of its own, steps that are shown, and
# checks that end the story where it goes wrong. Sourced.

bold='' dim='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; "$@" || fail "'$*' failed"; }

dir='' broker=''
vm_pids=()     # in the order of the story; whose end is the story's ends with it
declare -A ear # by name of a VM: the descriptor that it listens to

open_stage() {
  dir="$(mktemp -d /tmp/bpmp-demo.XXXXXX)"
  export BPMP_BROKER_ADMIN="$dir/admin.sock"
  trap close_stage EXIT
  trap 'exit 130' INT TERM
}
close_stage() {
  [ ${#vm_pids[@]} -eq 0 ] || kill "${vm_pids[@]}" 2>/dev/null || true
  [ -z "$broker" ] || { kill "$broker" 2>/dev/null && wait "$broker" 2>/dev/null; } || true
  rm -rf "$dir"
}

# Ends the story, with the last words of everybody in it.
fail() {
  local log
  printf '\ndeploy/demo.sh: the story went wrong: %s\n' "$*" >&2
  for log in "$dir"/*.log "$dir"/*.console; do
    [ -s "$log" ] || continue
    printf '\nThe end of %s:\n' "$(basename "$log")" >&2
    tail -n 30 "$log" >&2
  done
  exit 1
}

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
  local log
  log="$(mktemp)"
  "$@" >"$log" 2>&1 || { tail -n 30 "$log"; echo "'$*' failed; its output is in $log"; exit 1; } >&2
  rm -f "$log"
}
# build_release TARGET...
build_release() {
  quietly cmake --preset release
  quietly cmake --build --preset release -j "$(nproc)" --target "$@"
}

# wait_for WHAT COMMAND...: until the command succeeds. Gives up when the broker has ended, or after a time in which
# all of this comes on any machine.
wait_for() {
  local what="$1" give_up=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$broker" 2>/dev/null || fail "the broker ended while it was waited for $what"
    [ "$SECONDS" -lt "$give_up" ] || fail "$what did not come"
    sleep 0.02
  done
}
# The number of the last event; more follow.
last_event() { bpmpctl status -o json | sed -n 's/^ *"last_event": *"\{0,1\}\([0-9]*\).*/\1/p'; }
released() { bpmpctl watch --replay-only --since "${2:-1}" --vm "$1" --kind released | grep -q .; } # VM [EVENT]

# One field of a resource, as JSON has it: field clock vic rate_hz. Of its own: what is further in is its votes'.
field() { # KIND NAME FIELD
  bpmpctl "$1" show "$2" -o json | sed -n "s/^ \"$3\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}
# Fails unless the field has the value.
holds() { # WHAT KIND NAME FIELD VALUE
  local found
  found="$(field "$2" "$3" "$4")"
  [ "$found" = "$5" ] || fail "$1 (the $4 of $2 $3 is '$found' and not '$5')"
}
