#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 40 | all | lint | 10 s | shellcheck over every shell script
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have shellcheck || skip_suite 'no shellcheck'
# CDPATH= cd is the usual way to be safe from CDPATH, and meant.
while IFS= read -r script; do
  if found=$(cd "$ROOT" && shellcheck -x -P SCRIPTDIR -S warning -e SC1007 "$script" 2>&1); then
    record passed "$script"
  else
    printf '%s\n' "$found"
    record failed "$script" "$found"
  fi
done < <(cd "$ROOT" && grep -rlE '^#!.*\b(ba)?sh$|^# shellcheck shell=bash' scripts .ci | sort)
