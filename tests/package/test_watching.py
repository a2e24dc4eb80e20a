# SPDX-License-Identifier: Apache-2.0
"""libtickmlp-watch and libtickmlp-client linked by the very lines of their pages, beside both kinds of libtickmlp."""
import json
import re
import shutil
import subprocess

import pytest

from conftest import ROOT


def line_of(page: str) -> str:
    """The page's one line that calls the C compiler."""
    found = re.findall(r"^cc .*$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    assert len(found) == 1, found
    return found[0]


def linked(line: str, installed, folder) -> None:
    subprocess.run(["sh", "-c", line], cwd=folder, env=installed.environment, check=True)


def test_the_watch_links_as_its_page_says(installed, tmp_path):
    shutil.copy(ROOT / "docs" / "examples" / "watch.c", tmp_path)
    linked(line_of("WATCHING.md"), installed, tmp_path)
    done = subprocess.run([tmp_path / "watch", tmp_path], capture_output=True, text=True)
    assert done.returncode == 4 and "refused : file-open" in done.stdout, done
    libraries = subprocess.run(["ldd", tmp_path / "watch"], check=True, capture_output=True, text=True).stdout
    assert "libsodium" in libraries and "libtickmlp" not in libraries and "libstdc++" not in libraries


def test_the_client_links_as_its_page_says(installed, tmp_path):
    (tmp_path / "host.c").write_text("#include <tickmlp_client.h>\n#include <stdio.h>\n"
                                     "int main(void) { return puts(tickmlp_client_status_name(0)) < 0; }\n")
    linked(line_of("SERVING_SHARED_MEMORY.md"), installed, tmp_path)
    done = subprocess.run([tmp_path / "host"], capture_output=True, text=True,
                          env={**installed.environment, "LD_LIBRARY_PATH": str(installed.libdir)})
    assert done.returncode == 0 and done.stdout == "ok\n", done


@pytest.mark.parametrize("kind", ["static", "shared", "both"])
def test_the_watch_is_installed_where_the_static_library_is(kind, tmp_path):
    words = [f"-Ddefault_library={kind}", "-Dcli=disabled", "-Dtests=disabled", "-Dbenchmarks=disabled"]
    subprocess.run(["meson", "setup", tmp_path, ROOT, *words], check=True, capture_output=True)
    answer = subprocess.run(["meson", "introspect", tmp_path, "--installed"], check=True, capture_output=True)
    files = {path.rpartition("/")[2] for path in json.loads(answer.stdout).values()}
    static = {"libtickmlp.a", "libtickmlp-watch.a", "tickmlp_watch.h", "tickmlp-watch.pc"}
    assert files & static == (set() if kind == "shared" else static)
    assert {"tickmlp.h", "tickmlp.pc"} < files and ("libtickmlp.so" in files) == (kind != "static"), files
