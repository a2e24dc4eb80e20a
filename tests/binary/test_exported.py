# SPDX-License-Identifier: Apache-2.0
"""What libtickmlp.a and libtickmlp-watch.a put into a host's name space, and what runs there before main().

The rule: a global name is one of the exported_symbols.txt beside its header, which begin with tickmlp_, or lies in the
C++ namespace tickmlp, hidden. So two static libraries in one host collide only if the other one is a tickmlp too."""
import re
import subprocess

import pytest
from test_binary import BUILD, LIBRARY, ROOT, pytestmark, symbols  # pylint: disable=unused-import

FOLDERS = {"tickmlp": LIBRARY.parent, "tickmlp-watch": LIBRARY.parent / "watch",
           "tickmlp-client": LIBRARY.parents[1] / "tools" / "serve" / "client"}
GLOBAL = re.compile(r"^[0-9a-f]+ (.).{6} \S+\t[0-9a-f]+ +(\.hidden )?(\S+)$", re.MULTILINE)


@pytest.fixture(params=FOLDERS)
def library(request):
    path = FOLDERS[request.param] / f"lib{request.param}.a"
    if not path.is_file():
        pytest.skip(f"no {path.name} (libtickmlp-watch.a needs libsodium)")
    return path


def kept(library) -> list[str]:
    return (ROOT / library.parent.relative_to(BUILD) / "exported_symbols.txt").read_text().split()


def test_the_list_is_sorted_and_is_what_the_headers_declare(library):
    headers = sorted((ROOT / library.parent.relative_to(BUILD)).glob("tickmlp*.h"))
    declared = re.findall(r"TICKMLP_API[^;]*?\b(tickmlp_\w+)\(", "".join(path.read_text() for path in headers))
    assert kept(library) == sorted(set(declared)), set(kept(library)) ^ set(declared)


def test_the_library_exports_the_list_and_nothing_else(library):
    text = subprocess.run(["objdump", "-t", library], check=True, capture_output=True, text=True).stdout
    found = [(letter, bool(hidden), name) for letter, hidden, name in GLOBAL.findall(text) if letter in "gu"]
    assert len(found) > len(kept(library))
    visible = sorted(name for letter, hidden, name in found if not hidden and "*UND*" not in name)
    defined = {name for _, kind, name in symbols(library) if kind not in "UwN"}
    assert [name for name in visible if name in defined] == kept(library)


def test_every_other_global_name_is_in_our_namespace(library):
    names = {name for _, kind, name in symbols(library) if kind.isupper() and kind not in "UN" or kind in "uvw"}
    undefined = {name for _, kind, name in symbols(library) if kind in "Uw"}
    ours = re.compile(r"^(tickmlp_\w+|_ZN?K?7tickmlp\w+|_ZNK?7tickmlp\w+|_ZTV?N7tickmlp\w+)$")
    strangers = {name for name in names - undefined if not ours.match(name)}
    assert len(names) > len(kept(library)) and not strangers, strangers


def test_nothing_runs_before_main(library):
    """No global constructor, destructor or ifunc: linking the library changes nothing until it is called."""
    text = subprocess.run(["objdump", "-h", library], check=True, capture_output=True, text=True).stdout
    assert text.count(".text") >= 4
    assert not re.search(r"\.(init_array|ctors|preinit_array|fini_array|dtors)", text)
    assert not [row for row in symbols(library) if row[1] == "i"]


def test_no_exception_and_no_type_information(library):
    names = {name for _, _, name in symbols(library)}
    assert not [name for name in names if name.startswith(("_ZTI", "_ZTS", "__gxx_personality", "__cxa_", "_Unwind"))]
    text = subprocess.run(["objdump", "-h", library], check=True, capture_output=True, text=True).stdout
    assert ".gcc_except_table" not in text
