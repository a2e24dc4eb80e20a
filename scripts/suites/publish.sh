#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 25 | quick | build,test,signature | 2 min | publishing weights, killed and failing everywhere; the cycle
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_pytest tests/publish tests/cycle --ignore-glob="*/$TORCH_FILES"
