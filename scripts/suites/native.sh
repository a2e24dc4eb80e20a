#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 10 | quick | build,test | 2 min | release build in build/, all C++ tests but the exhaustive ones
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_executables build --leave-out slow,model
