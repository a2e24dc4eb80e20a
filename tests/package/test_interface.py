# SPDX-License-Identifier: Apache-2.0
"""What is installed: headers that stand alone, a shared library with a name and nothing but the list, one version."""
import ctypes
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, STRICT

HEADERS = sorted(path.name for path in (ROOT / "runtime").rglob("tickmlp*.h"))
LISTED = (ROOT / "runtime" / "exported_symbols.txt").read_text().split()
LANGUAGES = {"c99-gcc": ["gcc", "-std=c99", "-x", "c"], "c++17-gcc": ["g++", "-std=c++17", "-x", "c++"],
             "c99-clang": ["clang", "-std=c99", "-x", "c"], "c++17-clang": ["clang++", "-std=c++17", "-x", "c++"]}
# Names that a host's own library may well have; the library has C++ functions of these names inside.
COMMON = ("fail", "sha256", "open_file", "read_file", "close_file", "cpu_tiers", "find_kernel", "verify_blob")
HOST = """
#include <tickmlp.h>
%s
int main(int count, char** arguments) {
  tickmlp_model* model = 0;
  if (tickmlp_model_load(arguments[count - 1], 0, &model, 0) != TICKMLP_OK) return 1;
  tickmlp_model_free(model);
  return 0;
}
"""


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"no {name}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("header", HEADERS)
def test_each_header_compiles_alone(header, language, installed, tmp_path):
    compiler, *options = LANGUAGES[language]
    tool(compiler)
    if not (installed.prefix / "include" / header).exists():
        pytest.skip(f"{header} belongs to another library")
    (tmp_path / "alone").write_text(f"#include <{header}>\nint main(void) {{ return (int)TICKMLP_OK; }}\n")
    subprocess.run([compiler, *options, *STRICT, "-Wstrict-prototypes" if "c99" in language else "-Wextra-semi",
                    *installed.flags("--cflags"), "-fsyntax-only", tmp_path / "alone"], check=True)


def test_the_shared_library_exports_the_list(installed):
    text = subprocess.run([tool("nm"), "-D", "--defined-only", installed.libdir / "libtickmlp.so"], check=True,
                          capture_output=True, text=True).stdout
    assert [line.split()[-1] for line in text.splitlines()] == LISTED


def test_the_shared_library_has_its_name_and_needs_three(installed):
    text = subprocess.run([tool("readelf"), "-d", installed.libdir / "libtickmlp.so"], check=True, capture_output=True,
                          text=True).stdout
    assert re.findall(r"\(SONAME\).*\[(.*)\]", text) == ["libtickmlp.so.0.1"]
    needed = {re.sub(r"\.so.*", "", name) for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text)}
    assert "libc" in needed and needed <= {"libcrypto", "libm", "libc", "ld-linux-x86-64"}, needed
    assert re.findall(r"\(INIT_ARRAYSZ\) +(\d+)", text) in ([], ["8"])  # the C runtime's own entry, none of ours


def test_one_version(installed):
    header = re.search(r'TICKMLP_VERSION "([\d.]+)"', (installed.prefix / "include" / "tickmlp.h").read_text()).group(1)
    library = ctypes.CDLL(str(installed.libdir / "libtickmlp.so"))
    library.tickmlp_version.restype = ctypes.c_char_p
    config = next(installed.prefix.rglob("tickmlp-config-version.cmake")).read_text()
    assert installed.flags("--modversion") == [header] == [library.tickmlp_version().decode()]
    assert f'set(PACKAGE_VERSION "{header}")' in config


def test_a_host_with_a_library_of_common_names(installed, tmp_path):
    """Two static libraries in one program: the other one's fail(), sha256() and so on are its own, and ours ours."""
    declared = "\n".join(f"int {name}(void);" for name in COMMON)
    used = f"int use(void) {{ return {'() + '.join(COMMON)}(); }}"
    (tmp_path / "other.c").write_text("\n".join(f"int {name}(void) {{ return 1; }}" for name in COMMON) + "\n")
    (tmp_path / "host.c").write_text(HOST % f"{declared}\n{used}")
    subprocess.run(["gcc", "-c", tmp_path / "other.c", "-o", tmp_path / "other.o"], check=True)
    subprocess.run([tool("ar"), "rcs", tmp_path / "libother.a", tmp_path / "other.o"], check=True)
    for order in ([f"-L{tmp_path}", "-Wl,--whole-archive", "-lother", "-Wl,--no-whole-archive",
                   *installed.static_flags()],
                  [*installed.static_flags(), f"-L{tmp_path}", "-Wl,--whole-archive", "-lother",
                   "-Wl,--no-whole-archive"]):
        subprocess.run(["gcc", tmp_path / "host.c", "-o", tmp_path / "host", *installed.flags("--cflags"), *order],
                       check=True)
        assert subprocess.run([tmp_path / "host", ROOT / "weights" / "tactical-int8.blob"]).returncode == 0
