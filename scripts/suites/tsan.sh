#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 80 | all | build,test,clang | 1 min | C++ tests under ThreadSanitizer
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have clang++ || skip_suite 'no clang++'
build_clang build-tsan --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false \
  -Dtests=enabled -Dcli=disabled -Dmimalloc=disabled -Dbenchmarks=disabled
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
without_address_randomisation "$PYTHON" "$SUITES/executables.py" "$ROOT/build-tsan" "$TICKMLP_RESULTS" "$SUITE" \
  --leave-out slow,native --slower 20
