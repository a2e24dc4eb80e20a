# SPDX-License-Identifier: Apache-2.0
"""The C program in README.md, compiled by the command that stands below it and run on a bundled blob."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))
README = (ROOT / "README.md").read_text()
STRICT = ["-Wall", "-Wextra", "-Werror"]

pytestmark = [
    pytest.mark.skipif(not (BUILD / "meson-uninstalled").is_dir(), reason=f"no library in {BUILD}: build it"),
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in ("pkg-config", "cc", "sh")),
                       reason="needs pkg-config and cc"),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def program() -> str:
    whole = [block for block in blocks("c") if "int main(" in block]
    assert len(whole) == 1
    return whole[0]


def with_the_tick_path() -> str:
    """The program with the lines of the section on the tick path in the places that their comments name."""
    parts = [block for block in blocks("c") if "tickmlp_window_create" in block]
    assert len(parts) == 1
    at_start, on_tick = parts[0].split("...\n")
    source = program()
    for old, new in (
            ("  tickmlp_recorder_reset(&recorder);\n",
             "  tickmlp_recorder_reset(&recorder);\n"
             "  const float* state = poll_state(model, 0);\n"
             "  const tickmlp_model_info* info = tickmlp_model_describe(model);\n" + at_start),
            ("  const tickmlp_model_info* info = tickmlp_model_describe(model);\n  float*", "  float*"),
            ("    const float* state = poll_state(model, polls);\n", "    state = poll_state(model, polls);\n"),
            ("    const tickmlp_status status = tickmlp_infer(session, state, info->inputs, output, info->outputs);\n",
             "    const float* row = state + info->inputs - info->window_columns;\n"
             "    tickmlp_status status;\n" + on_tick),
            ("  tickmlp_session_free(session);\n",
             "  tickmlp_session_free(session);\n  tickmlp_window_free(window);\n")):
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def build_command() -> str:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("cc -std=c99 ")]
    assert len(lines) == 1 and " score.c " in lines[0]
    return lines[0].replace("cc -std=c99 ", f"cc -std=c99 {' '.join(STRICT)} ")


def compile_and_run(folder: pathlib.Path, source: str) -> str:
    # A million calls are for reading percentiles; two thousand show that it works.
    assert source.count("recorder.count < 1000000;") == 1
    (folder / "score.c").write_text(source.replace("recorder.count < 1000000;", "recorder.count < 2000;"))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(BUILD / "meson-uninstalled")}
    subprocess.run(["sh", "-ec", build_command()], cwd=folder, env=environment, check=True)
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(["./score", ROOT / "weights" / "tactical-int8.blob", str(core)], cwd=folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("source", [program, with_the_tick_path])
def test_the_program_compiles_as_written_and_runs(tmp_path, source):
    answer = compile_and_run(tmp_path, source())
    figures = r"p50 \d+ ns, p99 \d+ ns, p99\.9 \d+ ns, max \d+ ns"
    assert re.fullmatch(rf"tactical on int8-\w+: 2000 calls, {figures}\n", answer)
