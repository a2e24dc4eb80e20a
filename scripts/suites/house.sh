#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 30 | quick | build,test | 5 s | checks of the repository itself: licences, links, sizes, include order, layout
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run_pytest tests/house
