#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 70 | all | build,test,clang | 5 min | C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have clang++ || skip_suite 'no clang++'
build_clang build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
  -Dtests=enabled -Dmimalloc=disabled -Dbenchmarks=disabled
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
without_address_randomisation "$PYTHON" "$SUITES/executables.py" "$ROOT/build-asan" "$TICKMLP_RESULTS" "$SUITE" \
  --leave-out slow,native --slower 10
