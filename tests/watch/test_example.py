# SPDX-License-Identifier: Apache-2.0
"""docs/examples/watch.c, built against the installed libraries as a trading developer would."""
import os
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT

pytestmark = pytest.mark.skipif(any(shutil.which(tool) is None for tool in ("meson", "pkg-config", "gcc")),
                                reason="needs meson, pkg-config and gcc")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if not (BUILD / "runtime" / "watch" / "libtickmlp-watch.a").is_file():
        pytest.skip(f"no libtickmlp-watch.a in {BUILD}: build it, or set TICKMLP_BUILD")
    folder = tmp_path_factory.mktemp("install")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder], check=True,
                   capture_output=True)
    found = list(folder.rglob("tickmlp-watch.pc"))
    assert len(found) == 1, found
    environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(folder), "PKG_CONFIG_PATH": str(found[0].parent)}
    # Linked as a C program: no C++ runtime is asked for.
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "--static", "tickmlp-watch"], check=True,
                           capture_output=True, text=True, env=environment).stdout.split()
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                    ROOT / "docs" / "examples" / "watch.c", "-o", folder / "watch", *flags], check=True)
    return folder / "watch"


def test_it_infers_while_generations_come(program, published, keys):
    published.sign(published.publish(1), keys / "ours.key")
    key = (keys / "ours.pub").read_text().splitlines()[1]
    process = subprocess.Popen([program, published.path, key, "4"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "inferring with generation 1\n"
        file = published.publish(2)
        assert process.stdout.readline().startswith(f"refused {file.name}: signature-missing")
        published.sign(file, keys / "ours.key")
        assert {process.stdout.readline().split(" in ")[0].rstrip() for _ in range(2)} == \
            {f"taken {file.name}", "inferring with generation 2"}
        rest = process.communicate(timeout=60)[0]
        assert process.returncode == 0 and int(rest.split()[-2]) > 1000, rest
    finally:
        process.kill()
        process.communicate()


def test_it_ends_without_a_first_model(program, published):
    done = subprocess.run([program, published.path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4 and "refused : file-open" in done.stdout


def test_the_core_library_brings_no_libsodium(program):
    watching = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    assert "libsodium" in watching and "libstdc++" not in watching
