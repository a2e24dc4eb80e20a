#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 55 | all | build,test | 2 min | library and programs by the first compiler, warnings as errors (clang: tests)
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build build-werror --buildtype=release -Dwerror=true -Dcli=enabled -Dtests=disabled -Dbenchmarks=disabled
record passed 'build without a warning'
