#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 100 | all | build,test,cross | 8 min | cross build for 64-bit Arm, C++ tests under QEMU
set -euo pipefail
export TICKMLP_STRIDE=7  # the damage tests: every 7th case here, all of them natively
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have aarch64-linux-gnu-g++ || skip_suite 'no cross compiler for 64-bit Arm'
have qemu-aarch64-static || skip_suite 'no qemu-aarch64-static'
[ -f /usr/lib/aarch64-linux-gnu/libcrypto.a ] || skip_suite 'no arm64 libcrypto.a (libssl-dev:arm64)'
build build-aarch64 --buildtype=release --cross-file "$ROOT/scripts/aarch64-linux-gnu.ini" \
  -Dcli=enabled -Dtests=enabled -Dmimalloc=disabled -Dbenchmarks=disabled
run_executables build-aarch64 --wrapper qemu-aarch64-static --leave-out slow,native,simulation --slower 20

# The program itself, beside the native one: the same bytes for 4096 states from every kernel of both.
build_native
TICKMLP_RUN_ALSO="qemu-aarch64-static $ROOT/build-aarch64/tickmlp" run_pytest tests/states
