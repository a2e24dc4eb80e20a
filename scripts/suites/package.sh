#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 52 | all | build,test,package,signature | 1 min | the installed library in C, C++, Rust, CMake, Meson; Python
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The wheel, and an environment of its own that it is installed into; nothing comes from a network.
install_python_module() {
  local python folder=$ROOT/build-python
  python=$(find_python build setuptools wheel venv numpy pytest) || return 1
  rm -rf "$folder"
  TICKMLP_MESON_BUILD=$ROOT/build-package "$python" -m build --wheel --no-isolation --outdir "$folder" \
    "$ROOT/tools/python" &&
    "$python" -m venv --system-site-packages "$folder/venv" &&
    "$folder/venv/bin/python" -m pip install --no-index --no-deps "$folder"/*.whl
}

build_native
build build-package --buildtype=release -Ddefault_library=both -Dcli=disabled -Dtests=disabled -Dbenchmarks=disabled
run_pytest tests/package
if install_python_module >"$ROOT/build-package/python.log" 2>&1; then
  TICKMLP_PYTHON=$ROOT/build-python/venv/bin/python run_pytest tests/python
else
  record failed 'wheel of the Python module' \
    "see build-package/python.log: $(tail -n 1 "$ROOT/build-package/python.log")"
fi
