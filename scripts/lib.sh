# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Source it from bash: . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# The exit codes that every program here keeps to.
# shellcheck disable=SC2034
EXIT_USAGE=2 EXIT_REFUSED=4

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die [CODE] MESSAGE...: the code defaults to 4, refused input or I/O.
die() {
  local code=$EXIT_REFUSED
  case $1 in [0-9] | [0-9][0-9] | [0-9][0-9][0-9]) code=$1 && shift ;; esac
  warn "$*"
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

# The comment block that opens a script is its help text.
usage_from_comment() { awk 'NR > 2 && !/^#/ {exit} NR > 2 {sub(/^# ?/, ""); print}' "$1"; }

# find_python [MODULE...]: prints a python3 that has all the modules. The first one on a PATH can be one without
# numpy (pyenv, a virtual environment), so every one is asked, and Debian's own last. TICKMLP_PYTHON overrides.
find_python() {
  local modules="$*" candidate
  local probe='import importlib.util as u, sys
sys.exit(sys.version_info < (3, 9) or any(u.find_spec(m) is None for m in sys.argv[1:]))'
  while IFS= read -r candidate; do
    # shellcheck disable=SC2086
    if [ -x "$candidate" ] && "$candidate" -c "$probe" $modules >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done < <(
    if [ -n "${TICKMLP_PYTHON:-}" ]; then printf '%s\n' "$TICKMLP_PYTHON"; else
      type -ap python3
      printf '%s\n' /usr/bin/python3
    fi
  )
  warn "no python3 with ${modules:-any module} among: ${TICKMLP_PYTHON:-$(type -ap python3 | tr '\n' ' ')}"
  [ -z "$modules" ] || warn "on Debian: apt-get install$(printf ' python3-%s' "$@")"
  return 1
}

# run_module NAME 'MODULE...' ARGUMENT...: becomes the Python program scripts/NAME, under a python3 with the modules.
run_module() {
  local name=$1 modules=$2 python
  shift 2
  # shellcheck disable=SC2086
  python=$(find_python $modules) || exit "$EXIT_REFUSED"
  PYTHONPATH=$ROOT/scripts${PYTHONPATH:+:$PYTHONPATH} exec "$python" -m "$name" "$@"
}

# meson_build DIR ARGUMENT...: configures DIR, again only when an argument is new to it (what demo built, test goes on
# with, and the other way round), and builds it. Quiet unless it fails: then the end of the log is shown.
meson_build() {
  local dir=$1 folder=$ROOT/$1
  shift
  configured_with "$folder" "$@" || configure "$folder" "$@" || return 1
  ninja -C "$folder" >"$folder/build.log" 2>&1 || show_log "$folder/build.log" "building $dir"
}

# The stamp holds the compiler, then one argument a line.
configured_with() {
  local folder=$1 argument
  shift
  [ -f "$folder/build.ninja" ] && [ "$(head -n 1 "$folder/.arguments" 2>/dev/null)" = "compiler ${CXX:-}" ] || return 1
  for argument in "$@"; do grep -qxF -- "$argument" "$folder/.arguments" || return 1; done
}

configure() {
  local folder=$1 how=() log
  shift
  log=$folder.log
  mkdir -p "$folder"
  if [ ! -f "$folder/build.ninja" ]; then
    # An interrupted first configuration leaves what meson can neither use nor reconfigure.
    rm -rf "$folder/meson-private" "$folder/meson-info"
  elif [ "$(head -n 1 "$folder/.arguments" 2>/dev/null || say "compiler ${CXX:-}")" != "compiler ${CXX:-}" ]; then
    how=(--wipe)
  else
    how=(--reconfigure)
  fi
  # Meson remembers which headers were missing; by now they may be installed. Only --wipe makes it look again.
  meson setup "${how[@]}" "$@" "$folder" "$ROOT" >"$log" 2>&1 ||
    { [ "${how[*]}" = --reconfigure ] && meson setup --wipe "$@" "$folder" "$ROOT" >"$log" 2>&1; } ||
    show_log "$log" "meson setup ${folder##*/}" || return 1
  rm -f "$log"
  printf '%s\n' "compiler ${CXX:-}" "$@" >"$folder/.arguments"
}

# show_log FILE WHAT: the end of a log of what failed; always returns 1.
show_log() {
  warn "$2 failed; the end of its log:"
  tail -n 40 "$1" >&2
  return 1
}
