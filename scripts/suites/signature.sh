#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 58 | all | build,test,signature | 1 min | watched folders with minisign's own signatures
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_pytest tests/watch
