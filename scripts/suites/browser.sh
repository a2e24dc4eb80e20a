#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 55 | all | build,test,browser | 1 min | the certificate's page in Chromium
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have chromium || skip_suite 'no chromium (scripts/bootstrap --for browser)'
build_native
mapfile -t files < <(cd "$ROOT" && find tests -name "$BROWSER_FILES" | sort)
[ ${#files[@]} -gt 0 ] || skip_suite "no file named $BROWSER_FILES"
run_pytest "${files[@]}"
