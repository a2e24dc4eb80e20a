# SPDX-License-Identifier: Apache-2.0
"""Debian's server packages start themselves when installed. They are installed under a policy that says no, and what
was there before comes back, however it ends. apt is a stand-in that notes what the policy says while it works."""
import os
import pathlib
import signal
import stat
import subprocess
import time

import pytest

from conftest import ROOT

OURS = "#!/bin/sh\n# tickmlp: no service starts while packages are installed\nexit 101\n"
APT = """#!/bin/sh
case "$*" in *install*) ;; *) exit 0 ;; esac
cp "$TICKMLP_POLICY_FILE" "$SEEN" && "$TICKMLP_POLICY_FILE" prometheus start
echo "policy $?" >> "$SEEN.log"
echo "$*" >> "$SEEN.log"
[ -z "$HANG" ] || sleep 30
exit "${APT_CODE:-0}"
"""


@pytest.fixture
def box(tmp_path):
    """A folder with stand-ins for what would change the machine; no package is installed in it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"apt-get": APT, "dpkg-query": "#!/bin/sh\nexit 1\n", "sudo": "#!/bin/sh\nexec \"$@\"\n",
                       "update-rc.d": '#!/bin/sh\necho "$*" >> "$SEEN.log"\n'}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SEEN": str(tmp_path / "seen"),
                   "TICKMLP_POLICY_FILE": str(tmp_path / "policy-rc.d"), "HANG": ""}
    environment.pop("TICKMLP_NO_BOOTSTRAP", None)

    def start(group="monitoring", **more):
        return subprocess.Popen([ROOT / "scripts" / "bootstrap", "--for", group], env={**environment, **more},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    start.policy, start.seen = tmp_path / "policy-rc.d", tmp_path / "seen"
    start.saved, start.log = tmp_path / "policy-rc.d.tickmlp-saved", tmp_path / "seen.log"
    return start


def finish(process):
    output = process.communicate(timeout=60)[0]
    return process.returncode, output


def is_as_before(box, before):
    if box.saved.exists() or box.policy.exists() != (before is not None):
        return False
    return before is None or (box.policy.read_text() == before and stat.S_IMODE(box.policy.stat().st_mode) == 0o711)


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"])
@pytest.mark.parametrize("code", [0, 100])
def test_services_are_forbidden_while_apt_works_and_only_then(box, before, code):
    if before is not None:
        box.policy.write_text(before)
        box.policy.chmod(0o711)
    ended, output = finish(box(APT_CODE=str(code)))
    assert (ended == 0) == (code == 0), output
    log = box.log.read_text()
    assert box.seen.read_text() == OURS and log.startswith("policy 101\n") and "prometheus-node-exporter" in log
    # Not at the next boot either.
    assert ("prometheus disable\nprometheus-node-exporter disable\n" in log) == (code == 0)
    assert is_as_before(box, before)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_restores_what_was_there(box, how):
    box.policy.write_text("#!/bin/sh\nexit 0\n")
    box.policy.chmod(0o711)
    process = box(HANG="yes")
    end = time.monotonic() + 30
    while not box.log.exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, how)
    assert finish(process)[0] == 128 + how
    assert is_as_before(box, "#!/bin/sh\nexit 0\n")


@pytest.mark.parametrize("saved", [None, "#!/bin/sh\nexit 0\n"])
def test_a_run_that_was_killed_is_mended_by_the_next(box, saved):
    box.policy.write_text(OURS)
    if saved is not None:
        box.saved.write_text(saved)
        box.saved.chmod(0o711)
    assert finish(box())[0] == 0
    assert is_as_before(box, saved)


def test_other_groups_leave_the_policy_alone(box):
    box.policy.write_text("#!/bin/sh\nexit 0\n")
    box.policy.chmod(0o711)
    assert finish(box("lint"))[0] == 0
    assert box.seen.read_text() == "#!/bin/sh\nexit 0\n" and "disable" not in box.log.read_text()
    assert is_as_before(box, "#!/bin/sh\nexit 0\n")


def test_nothing_of_debians_runs_by_itself():
    """Neither server is a child of init, as a service would be, nor enabled for the next boot."""
    for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            name, parent = os.readlink(link), (link.parent / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        assert not (name in ("/usr/bin/prometheus", "/usr/bin/prometheus-node-exporter") and parent == "1"), link
    enabled = [*pathlib.Path("/etc/systemd/system").glob("*.wants/prometheus*.service"),
               *pathlib.Path("/etc").glob("rc[2345].d/S*prometheus*")]
    assert not enabled, enabled
