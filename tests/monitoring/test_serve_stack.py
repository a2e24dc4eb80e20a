# SPDX-License-Identifier: Apache-2.0
"""Servers scraped by Debian's Prometheus: the text is taken without a complaint, the alerts name the server that is
sick, and every query of the dashboard that is about servers returns data."""
import json
import re
import shutil
import struct
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import DOCS, ROOT, Processes, Prometheus, free_port, get, tool, wait_for
from small_models import export, network

CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: tickmlp-serve
    static_configs: [{{targets: {targets}}}]
"""


def impatient(rules):
    """The rules as they are, but for how long they wait."""
    return re.sub(r"^ *for: \w+\n", "", rules, flags=re.MULTILINE)


def infer(port, model, values):
    """One state as raw bytes; the status."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/models/{model}/infer",
                                     struct.pack(f"{len(values)}f", *values), {"Inference-Header-Content-Length": "0"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class Load(threading.Thread):
    """Good requests to both servers, and to the sick one as many with a NaN."""
    def __init__(self, ports):
        super().__init__(daemon=True)
        self.ports, self.ended, self.statuses = ports, False, {name: [] for name in ports}

    def run(self):
        while not self.ended:
            for name, port in self.ports.items():
                self.statuses[name].append(infer(port, "small", [0.5] * 12))
            self.statuses["sick"].append(infer(self.ports["sick"], "small", [float("nan")] * 12))
            time.sleep(0.02)


@pytest.fixture(scope="module")
def stack(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    processes, ports = Processes(folder), {"healthy": free_port(), "sick": free_port()}
    (folder / "alerts.yml").write_text(impatient((DOCS / "alerts.yml").read_text()))
    targets = json.dumps([f"127.0.0.1:{port}" for port in ports.values()])
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(targets=targets))
    for seed, generation, name in ((5, 7, "healthy"), (6, 8, "sick")):
        (folder / name).mkdir()
        blob = export(folder, "small", network(seed), "--dtype", "float32", "--window", "4x3", "--generation",
                      str(generation))
        shutil.move(blob, folder / name / "small.blob")
    prometheus = Prometheus(free_port())
    load = Load(ports)
    try:
        for name, port in ports.items():
            processes.start(name, binary, "serve", "--repository", folder / name, "--port", port, "--triton-metrics",
                            "--cache", "100")
            ready = f"http://127.0.0.1:{port}/v2/health/ready"
            wait_for(f"{name} to answer", 30, lambda ready=ready: get(ready) is not None)
        processes.start("prometheus", tool("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
                        f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={prometheus.url[7:]}")
        load.start()
        prometheus.ports, prometheus.load, prometheus.processes = ports, load, processes
        wait_for("data of both servers", 60, lambda: len(prometheus.query("tickmlp_serve_ready")) == 2)
        yield prometheus
    except AssertionError as error:
        raise AssertionError(f"{error}\n{processes.logs()}") from error
    finally:
        load.ended = True
        processes.stop_all()


def instances(stack, alert):
    """The servers for which it fires."""
    names = {f"127.0.0.1:{port}": name for name, port in stack.ports.items()}
    return {names.get(one["labels"].get("instance"), one["labels"].get("model"))
            for one in (stack.api("alerts") or {}).get("alerts", [])
            if one["labels"]["alertname"] == alert and one["state"] == "firing"}


def test_promtool_takes_the_text(stack, promtool):
    text = get(f"http://127.0.0.1:{stack.ports['healthy']}/metrics")
    own = "".join(line for line in text.splitlines(True) if "nv_" not in line)
    done = promtool("check", "metrics", input=own)
    assert done.returncode == 0 and done.stdout == "", done.stdout
    assert promtool("check", "metrics", input=own.replace("_total", "_sum_of_all")).returncode != 0
    # Triton's names are its own: they have no _total, and their units are short.
    complaints = promtool("check", "metrics", input=text).stdout.splitlines()
    assert complaints and all(line.startswith("nv_") and ("suffix" in line or "abbreviated" in line)
                              for line in complaints), complaints


def test_the_scrape_has_the_content_type_and_no_lost_sample(stack):
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['healthy']}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        samples = sum(not line.startswith(b"#") for line in answer.read().splitlines())
    target = f"127.0.0.1:{stack.ports['healthy']}"
    scraped = stack.query(f'scrape_samples_scraped{{instance="{target}"}}')
    assert int(scraped[0]["value"][1]) == samples > 100


def test_alerts_name_the_sick_server(stack):
    wait_for("failed inferences", 60, lambda: instances(stack, "TickmlpServeErrorShareOver1Percent") == {"sick"})
    wait_for("a generation skew", 60, lambda: instances(stack, "TickmlpServeGenerationSkew") == {"small"})
    for alert in ("TickmlpServeDown", "TickmlpServeBreakerOpen", "TickmlpServeThreadStuck", "TickmlpServeShedding"):
        assert instances(stack, alert) == set()
    assert {200} == set(stack.load.statuses["healthy"]) and {200, 400} == set(stack.load.statuses["sick"])


def server_queries():
    board = json.loads((DOCS / "dashboard.json").read_text())
    return [pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
            for panel in board["panels"] for target in panel["targets"] if "serve" in target["expr"]]


@pytest.mark.parametrize("expression", server_queries())
def test_every_query_of_the_dashboard_returns_data(stack, expression):
    expression = expression.replace("$__rate_interval", "10s")
    assert "$" not in expression

    def numbers():
        result = stack.query(expression)
        return result and all(series["value"][1] != "NaN" for series in result)
    wait_for(expression, 30, numbers)


def test_the_sums_agree_with_what_was_asked(stack):
    stack.load.ended = True
    stack.load.join(30)
    for name, port in stack.ports.items():
        asked = stack.load.statuses[name]

        def value(expression, port=port):
            result = stack.query(f'{expression.replace("PLACE", f"127.0.0.1:{port}")}')
            return int(result[0]["value"][1]) if result else 0
        good, bad = asked.count(200), asked.count(400)
        wait_for("the last scrape", 30, lambda: value(
            'tickmlp_serve_inferences_total{instance="PLACE",model="small"}') == good)  # noqa: B023
        assert value('tickmlp_serve_failed_inferences_total{instance="PLACE",model="small"}') == bad
        assert value('tickmlp_serve_duration_seconds_count{instance="PLACE",stage="total"}') == good
        assert value('tickmlp_serve_duration_seconds_bucket{instance="PLACE",stage="kernel",le="+Inf"}') == good
        # One question, asked again and again: computed once, and as often as it was refused.
        assert value('tickmlp_serve_states_total{instance="PLACE"}') == 1
        assert value('tickmlp_serve_cache_hits_total{instance="PLACE"}') == good - 1
        assert value('nv_inference_request_success{instance="PLACE",model="small"}') == good
        assert value('nv_inference_request_failure{instance="PLACE",model="small"}') == bad


def test_a_server_that_is_gone_is_noticed(stack):
    assert stack.processes.stop("sick") == 0
    wait_for("the alert", 60, lambda: instances(stack, "TickmlpServeDown") == {"sick"})
