# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts, which set $modules (numpy, torch, matplotlib). Sets $python to a python3 that has
# them. The first one on the PATH may be a bare one (containers and version managers put theirs in front),
# so Debian's is tried after it.
python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))' \
            $modules 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "${0##*/}: no python3 with $modules (tried the PATH's and /usr/bin/python3)." >&2
    echo "${0##*/}: on Debian: apt-get install$(printf ' python3-%s' $modules)" >&2
    exit 4
fi
