# SPDX-License-Identifier: Apache-2.0
"""The page in Chromium: no error, no request, no sideways scrolling, light and dark, on paper."""
import html
import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest

# Reads what only a browser knows, from a page in a frame of a given width; the frame has the wrapper's origin.
WRAPPER = """<!DOCTYPE html><html><body><iframe id="f" style="width:%dpx;height:900px;border:0" srcdoc="%s"></iframe>
<script>f.onload = () => { const d = f.contentDocument, w = f.contentWindow;
const seen = [...d.querySelectorAll("svg")].filter(s => w.getComputedStyle(s).display !== "none");
document.body.innerHTML = "<pre>" + JSON.stringify({
over: d.documentElement.scrollWidth - d.documentElement.clientWidth,
charts: seen.length,
scrolled: Math.max(...[...d.querySelectorAll(".scroll")].map(s => s.scrollWidth - s.clientWidth)),
small: Math.min(...seen.map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)),
ground: w.getComputedStyle(d.body).backgroundColor}) + "</pre>"; }</script></body></html>"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    path = shutil.which("chromium")
    if not path:
        pytest.skip("no chromium (scripts/bootstrap --for browser)")

    def run(*arguments):
        profile = tmp_path_factory.mktemp("profile")
        answer = subprocess.run([path, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                                 "--disable-background-networking", f"--user-data-dir={profile}", *map(str, arguments)],
                                capture_output=True, text=True, timeout=120, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer
    return run


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "page.html"
        path.write_text(text)
        return path.as_uri()
    return write


def seen(chromium, file, page, width, *arguments):
    url = file(WRAPPER % (width, html.escape(page)))
    dom = chromium("--virtual-time-budget=5000", *arguments, "--dump-dom", url).stdout
    return json.loads(html.unescape(re.search(r"<pre>(.*)</pre>", dom)[1]))


def console(chromium, url):
    return re.findall(r"CONSOLE.*", chromium("--dump-dom", url).stderr)


def test_the_console_stays_empty(chromium, file, made):
    assert not console(chromium, file(made[1]))
    assert console(chromium, file("<!DOCTYPE html><script>nothing()</script>"))


@pytest.mark.parametrize("width", [390, 1280])
def test_no_sideways_scrolling(chromium, file, made, width):
    known = seen(chromium, file, made[1], width)
    assert known["over"] == 0
    assert known["charts"] == 3 + 6 and known["small"] > 0.85  # budgets, charts: text stays near its own size


def test_a_page_that_is_too_wide_would_be_noticed(chromium, file, made):
    page = made[1].replace("<main>", '<main><div style="width:500px">x</div>')
    assert seen(chromium, file, page, 390)["over"] > 100


def test_the_widest_tables_fit_a_window_of_1200_pixels(chromium, file, document, page_of):
    """Cold calls on a busy machine: every percentile has a figure, and intervals from nanoseconds to milliseconds."""
    scenario = document["scenarios"][-1]
    assert scenario["cache"] == "evicted"
    for name in [*scenario["intervals_95"], "deviation_ns"]:
        scenario[name] = 888888
        scenario["intervals_95"][name] = scenario["run_range"][name] = [888, 8888888]
    page = page_of(document)
    assert "8.89" in page
    assert seen(chromium, file, page, 1200)["scrolled"] == 0
    assert seen(chromium, file, page.replace("white-space:normal", ""), 1200)["scrolled"] > 50


def test_light_and_dark(chromium, file, made):
    grounds = [seen(chromium, file, made[1], 800, f"--blink-settings=preferredColorScheme={scheme}")["ground"]
               for scheme in (0, 1)]
    assert grounds == ["rgb(20, 23, 27)", "rgb(255, 255, 255)"]


def test_no_request_leaves_the_page(chromium, file, made):
    """Even one that somebody smuggled in: the page's own policy forbids it."""
    asked = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        leaky = made[1].replace("<main>", f'<main><img src="http://127.0.0.1:{server.server_port}/leak"/>')
        chromium("--dump-dom", file(leaky))
        assert not asked
        chromium("--dump-dom", file(re.sub(r"<meta http-equiv[^>]*>", "", leaky)))
        assert asked == ["/leak"]
        server.shutdown()


def test_on_paper(chromium, file, made, tmp_path):
    """A handful of A4 pages, with what is folded away on the screen."""
    chromium("--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'c.pdf'}", file(made[1]))
    paper = (tmp_path / "c.pdf").read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    assert paper.startswith(b"%PDF-") and 5 <= pages <= 14, pages
    sizes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", paper)}
    assert all(abs(box[2] - 595) < 2 and abs(box[3] - 842) < 2 for box in sizes) and sizes
