#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 52 | all | build,test,package | 1 min | the installed library in C, C++, Rust, CMake and Meson hosts; Python
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
build build-package --buildtype=release -Ddefault_library=both -Dcli=disabled -Dtests=disabled -Dbenchmarks=disabled
run_pytest tests/package
