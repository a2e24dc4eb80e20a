#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 50 | all | build,test,torch | 1 min | exported models against PyTorch itself
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

find_python pytest numpy torch >/dev/null || skip_suite 'no python3 with pytest, numpy and torch'
build_native
mapfile -t files < <(cd "$ROOT" && find tests -name "$TORCH_FILES" | sort)
[ ${#files[@]} -gt 0 ] || skip_suite "no file named $TORCH_FILES"
run_pytest "${files[@]}"
