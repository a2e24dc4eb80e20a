#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 60 | all | build,test,clang | 4 min | the other compiler, warnings as errors, all C++ tests
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have clang++ || skip_suite 'no clang++'
build_clang build-clang --buildtype=release -Dwerror=true -Dtests=enabled
run_executables build-clang --leave-out slow,model
