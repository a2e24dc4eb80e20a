# SPDX-License-Identifier: Apache-2.0
# What the suites share. scripts/test runs each as its own bash, with TICKMLP_RESULTS and SUITE set.
# shellcheck shell=bash
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

: "${TICKMLP_RESULTS:?run it through scripts/test NAME}" "${SUITE:?run it through scripts/test NAME}"
SUITES=$ROOT/scripts/suites
PYTHON=$(find_python)

# record passed|failed|skipped CASE [WHY]
record() { "$PYTHON" "$SUITES/results.py" add "$TICKMLP_RESULTS" "$SUITE" "$@"; }

skip_suite() { record skipped 'whole suite' "$*" && exit 0; }

# build DIR ARGUMENT...: as meson_build; a build that fails is this suite's one failed case.
build() {
  meson_build "$@" && return 0
  record failed "build of $1" "see $1/build.log" \
    "$(cat "$ROOT/$1.log" "$ROOT/$1/build.log" 2>/dev/null | grep -m1 -E 'error:|ERROR:' || true)"
  exit 0
}

build_native() { build build --buildtype=release -Dcli=enabled -Dtests=enabled -Dbenchmarks=enabled; }

# The other compiler, in a folder of its own.
build_clang() { CC=clang CXX=clang++ build "$@"; }

run_executables() {
  local directory=$1
  shift
  "$PYTHON" "$SUITES/executables.py" "$ROOT/$directory" "$TICKMLP_RESULTS" "$SUITE" "$@"
}

# Files named test_torch_* need PyTorch; by name, so that the quick run need not import it to find out.
# shellcheck disable=SC2034
TORCH_FILES='test_torch_*.py'
# Those named test_browser_* start Chromium.
# shellcheck disable=SC2034
BROWSER_FILES='test_browser_*.py'

# run_pytest ARGUMENT...: counts every case; a run that broke off counts as one failure more.
run_pytest() {
  local python report code=0
  python=$(find_python pytest numpy) || skip_suite 'no python3 with pytest and numpy'
  report=$(mktemp)
  # shellcheck disable=SC2086
  (cd "$ROOT" && TICKMLP_BUILD=$ROOT/build ${RUN_UNDER:-} "$python" -m pytest -q -p no:cacheprovider \
    --continue-on-collection-errors --junitxml="$report" "$@") || code=$?
  [ ! -s "$report" ] || "$PYTHON" "$SUITES/results.py" junit "$TICKMLP_RESULTS" "$SUITE" "$report"
  rm -f "$report"
  case $code in
    0 | 1) ;;
    5) skip_suite "pytest found no test for: $*" ;;
    *) record failed 'whole run' "pytest ended with exit code $code" ;;
  esac
}

# Sanitizers of clang 14 cannot place their shadow memory where the kernel randomises 32 bits of an address.
without_address_randomisation() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

# build_server_with SANITIZER DIR ARGUMENT...: `tickmlp serve` of clang with a sanitizer, beside the release build.
build_server_with() {
  local sanitizer=$1 folder=$2
  shift 2
  have clang++ || skip_suite 'no clang++'
  build_native
  build_clang "$folder" -Dcpp_args=-g1 -Db_sanitize="$sanitizer" -Db_lundef=false -Dcli=enabled -Dserve=enabled \
    -Dtests=disabled -Dmimalloc=disabled -Dbenchmarks=disabled "$@"
}
# ask_server_of DIR ARGUMENT...: pytest, with the programs of that build.
ask_server_of() {
  local folder=$1
  shift
  TICKMLP_BINARY=$ROOT/$folder/tickmlp RUN_UNDER=without_address_randomisation run_pytest "$@"
}
