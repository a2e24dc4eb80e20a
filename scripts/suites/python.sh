#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 20 | quick | build,test | 7 min | exporter, blob format and CLI, without torch
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_pytest tests --ignore=tests/house --ignore=tests/peers --ignore=tests/evidence --ignore=tests/monitoring \
  --ignore=tests/package --ignore=tests/python --ignore=tests/publish --ignore=tests/cycle --ignore=tests/watch \
  --ignore=tests/serve \
  --ignore-glob="*/$TORCH_FILES" --ignore-glob="*/$BROWSER_FILES"
