# SPDX-License-Identifier: Apache-2.0
"""The whole way, with nothing in it replaced: process -> file -> node exporter -> Prometheus -> firing alert, and every
query of the dashboard. Healthy processes run beside sick ones, and only the sick ones are named."""
import json
import re
import time

import pytest

from conftest import DOCS, ROOT, Processes, Prometheus, free_port, get, tool, wait_for
from small_models import export, network

CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
"""
STALE_SECONDS = 4
DRILL = ("--slow", "2ms", "--refuse", "2", "--clip", "60")


def impatient(rules):
    """The rules as they are, but for how long they wait: `for:` gone, figures stale after 4 s in place of 60; and the
    shadow's limit is for another model."""
    text = re.sub(r"^ *for: \w+\n", "", rules, flags=re.MULTILINE)
    assert text.count("60\n") == 1 and text.count("<= 60)") == 1
    limit = "vector(0.95)\n        labels: {model: tactical}"  # becomes one for the model that is shadowed here
    assert text.count(limit) == 1
    text = text.replace(limit, limit.replace("tactical", "small"))
    return text.replace("> 60\n", f"> {STALE_SECONDS}\n").replace("<= 60)", f"<= {STALE_SECONDS})")


def monitor(processes, binary, name, blob, *options):
    processes.start(name, binary, "monitor", blob, "--textfile", processes.folder / "text" / f"{name}.prom",
                    "--process", name, "--interval", "500ms", "--rate", "400", *options)


@pytest.fixture(scope="module")
def stack(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    processes, node, server = Processes(folder), free_port(), free_port()
    (folder / "text").mkdir()
    (folder / "alerts.yml").write_text(impatient((DOCS / "alerts.yml").read_text()))
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(node=node))
    small = [export(folder, "small", network(seed), "--dtype", "float32", "--window", "4x3", "--generation",
                    str(generation)).rename(folder / f"small-{generation}.blob")
             for seed, generation in ((5, 7), (6, 8))]
    try:
        processes.start("node", tool("prometheus-node-exporter"), "--collector.disable-defaults",
                        "--collector.textfile", f"--collector.textfile.directory={folder / 'text'}",
                        f"--web.listen-address=127.0.0.1:{node}")
        processes.start("prometheus", tool("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
                        f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{server}")
        monitor(processes, binary, "sick", ROOT / "weights" / "tactical-int8.blob", *DRILL)
        monitor(processes, binary, "healthy", small[0])
        # Other weights in the next generation, and too slow: 200 questions a second, 256 places for three seconds.
        monitor(processes, binary, "shadowed", small[0], "--shadow", small[1], "--shadow-sleep", "3s")
        prometheus = Prometheus(server)
        prometheus.processes, prometheus.small, prometheus.node = processes, small, node
        prometheus.binary = binary
        wait_for("data of all processes", 60, lambda: len(prometheus.query("tickmlp_model_info")) == 7)
        yield prometheus
    except AssertionError as error:
        raise AssertionError(f"{error}\n{processes.logs()}") from error
    finally:
        processes.stop_all()


def test_alerts_fire_for_the_sick_process(stack):
    expected = {(name, "sick") for name in ("TickmlpP99Over1ms", "TickmlpP99OverBudget",
                                            "TickmlpErrorShareOver1Percent", "TickmlpClippedInputsRising")}
    wait_for(f"{expected} firing", 60, lambda: expected <= stack.firing())
    # Latency is the box's own, and this box is shared: nothing is said of it for the healthy process.
    assert not {name for name, process in stack.firing()
                if process == "healthy" and not name.startswith("TickmlpP99")}
    assert not {name for name, _ in stack.firing()} & {"TickmlpSnapshotStale", "TickmlpGenerationMismatch"}


def test_a_shadow_that_differs_and_drops_is_named(stack):
    expected = {("TickmlpShadowDisagrees", "shadowed"), ("TickmlpShadowDrops", "shadowed")}
    wait_for(f"{expected} firing", 60, lambda: expected <= stack.firing())
    agreement, = stack.query("tickmlp:shadow_agreement")
    dropped, = stack.query("tickmlp:shadow_dropped_share")
    assert agreement["metric"]["generation"] == dropped["metric"]["generation"] == "8"
    assert float(agreement["value"][1]) < 0.95 and 0.2 < float(dropped["value"][1]) < 0.9
    # A shadow of the next generation is no second generation at work.
    assert ("TickmlpGenerationMismatch", "small") not in stack.firing()


def test_severities_arrive(stack):
    severities = {alert["labels"]["alertname"]: alert["labels"]["severity"]
                  for alert in stack.api("alerts")["alerts"]}
    assert severities["TickmlpP99Over1ms"] == "critical" and severities["TickmlpP99OverBudget"] == "warning"


def test_the_node_exporter_reads_every_file_without_an_error(stack):
    text = get(f"http://127.0.0.1:{stack.node}/metrics")
    assert "\nnode_textfile_scrape_error 0\n" in text
    assert text.count("# HELP tickmlp_inference_duration_seconds ") == 1


def dashboard_queries():
    board = json.loads((DOCS / "dashboard.json").read_text())
    return [pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
            for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", dashboard_queries())
def test_every_query_of_the_dashboard_returns_data(stack, expression):
    if "ALERTS" in expression:
        wait_for("an alert", 60, stack.firing)
    for name, value in (("$__rate_interval", "10s"), ("$process", ".*"), ("$model", ".*")):
        expression = expression.replace(name, value)
    assert "$" not in expression
    result = wait_for(expression, 30, lambda: stack.query(expression))
    assert all(series["value"][1] != "NaN" for series in result) or "histogram_quantile" in expression


def test_the_variables_of_the_dashboard_have_values(stack):
    board = json.loads((DOCS / "dashboard.json").read_text())
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
        assert len(stack.api(f"label/{label}/values", **{"match[]": metric})) >= 2
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "process", "model"]


def test_the_quantile_that_prometheus_computes_is_the_recorders(stack):
    """Within a bucket Prometheus interpolates, so the two agree to a bucket: 2.1 ms lies in 1.998 .. 2.982 ms."""
    wait_for("p99", 30, lambda: stack.query('tickmlp:inference_p99_seconds{process="sick"}'))
    for series in stack.query('tickmlp:inference_p99_seconds{process="sick"}'):
        assert float(series["value"][1]) > 0.001998
    for series in stack.query('tickmlp_interval_p99_seconds{process="sick"}'):
        assert float(series["value"][1]) > 0.002


def test_another_generation_beside_the_first_is_noticed_and_its_end_too(stack):
    monitor(stack.processes, stack.binary, "newer", stack.small[1])
    wait_for("a generation mismatch", 60, lambda: ("TickmlpGenerationMismatch", "small") in stack.firing())
    assert stack.processes.stop("newer") == 128 + 15
    wait_for("a stale process", 60, lambda: ("TickmlpSnapshotStale", "newer") in stack.firing())
    wait_for("the mismatch's end", 60, lambda: ("TickmlpGenerationMismatch", "small") not in stack.firing())
    assert ("TickmlpSnapshotStale", "healthy") not in stack.firing()


def test_a_file_is_never_seen_in_part(stack):
    """Publication after publication, each read ends with the last metric's last line."""
    path, seen = stack.processes.folder / "text" / "healthy.prom", set()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        text = path.read_text()
        assert text.startswith("# HELP tickmlp_model_info ") and text.endswith("\n")
        last = text.splitlines()[-1]
        assert last.startswith('tickmlp_snapshot_timestamp_seconds{process="healthy",') and 'path="tick"' in last
        seen.add(last)
    assert len(seen) >= 3
