# SPDX-License-Identifier: Apache-2.0
"""The export's page in Chromium: an empty console, no sideways scrolling, every plot in place."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from helpers import save_npz, small_head

# Reads what only a browser knows, from the page in a frame of a given width.
WRAPPER = """<!DOCTYPE html><html><body><iframe id="f" style="width:%dpx;height:900px;border:0" srcdoc="%s"></iframe>
<script>f.onload = () => { const d = f.contentDocument, plots = [...d.querySelectorAll("svg")];
document.body.innerHTML = "<pre>" + JSON.stringify({
over: d.documentElement.scrollWidth - d.documentElement.clientWidth, plots: plots.length,
wide: Math.max(...plots.map(s => s.getBoundingClientRect().right)),
bars: plots.map(s => [...s.querySelectorAll("rect")].some(r => r.getBoundingClientRect().height > 2))
}) + "</pre>"; }</script></body></html>"""


@pytest.fixture
def page(export, tmp_path):
    states = np.random.RandomState(0).uniform(-1, 1, (400, 12)).astype(np.float32)
    np.save(tmp_path / "s.npy", states)
    heads = small_head("a" * 25) | small_head("critic", outputs=1)
    export(save_npz(tmp_path / "m.npz", heads), "--calibration", tmp_path / "s.npy", "--calibrate", "best",
           "--report-html", tmp_path / "r.html").succeeded()
    return tmp_path / "r.html"


@pytest.fixture
def chromium(tmp_path):
    path = shutil.which("chromium")
    if not path:
        pytest.skip("no chromium (scripts/bootstrap --for browser)")

    def run(url):
        answer = subprocess.run([path, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                                 "--disable-background-networking", f"--user-data-dir={tmp_path}/profile",
                                 "--virtual-time-budget=5000", "--dump-dom", url], capture_output=True, text=True,
                                timeout=120, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer
    return run


@pytest.mark.parametrize("width", [390, 1280])
def test_page(chromium, page, tmp_path, width):
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(WRAPPER % (width, html.escape(page.read_text())))
    dom = chromium(wrapper.as_uri()).stdout
    known = json.loads(html.unescape(re.search(r"<pre>(.*)</pre>", dom)[1]))
    assert known["over"] == 0 and known["wide"] <= width
    assert known["bars"] == [True] * 4  # two heads, the methods, the features


def test_console_stays_empty(chromium, page):
    assert "CONSOLE" not in chromium(page.as_uri()).stderr
