#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 55 | all | build,test | 2 min | everything built by the first compiler with warnings as errors
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build build-werror --buildtype=release -Dwerror=true -Dcli=enabled -Dtests=enabled -Dbenchmarks=enabled
record passed 'build without a warning'
