#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 110 | all | build,test,cross | 9 min | the release build on older x86 under QEMU: Nehalem, Westmere, Haswell
set -euo pipefail
export TICKMLP_STRIDE=13  # the damage tests: every 13th case here, all of them natively
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ "$(uname -m)" = x86_64 ] || skip_suite 'the machine is not x86-64'
have qemu-x86_64-static || skip_suite 'no qemu-x86_64-static'
build_native
# SSE4.2 without AES, AES without AVX, AVX2 and FMA without AVX-512: each has its own row in the kernel table. Tests in
# the meson suite "portable" do not depend on the instruction set.
for tier in Nehalem Westmere Haswell; do
  run_executables build --label "$tier" --wrapper "qemu-x86_64-static -cpu $tier" \
    --leave-out slow,native,model,portable --slower 20
done
