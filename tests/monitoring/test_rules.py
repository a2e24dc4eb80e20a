# SPDX-License-Identifier: Apache-2.0
"""The rules and the text that the program publishes, as Prometheus's own checker sees them."""
import json
import shutil
import subprocess

import pytest

from conftest import DOCS, ROOT


def test_the_rules_are_valid(promtool):
    done = promtool("check", "rules", "--lint-fatal", DOCS / "alerts.yml")
    assert done.returncode == 0 and "26 rules found" in done.stdout, done.stdout


def test_every_alert_fires_when_it_should(promtool):
    done = promtool("test", "rules", DOCS / "alerts_test.yml")
    assert done.returncode == 0, done.stdout


def test_the_rule_tests_can_fail(promtool, tmp_path):
    for name in ("alerts.yml", "alerts_test.yml"):
        shutil.copy(DOCS / name, tmp_path)
    for before, after in (("> 0.01\n", "> 0.03\n"), ("> 0.001\n", "> 0.004\n"), ("<= 60))", "<= 6000))"),
                          ("critical", "warning"), ("> 60\n", "> 600\n"), ("offset 1h", "offset 1m"),
                          ("vector(0.95)", "vector(0.9)"), ("vector(0.95)", "vector(0.99)"),
                          ("tickmlp:shadow_dropped_share > 0.01\n", "tickmlp:shadow_dropped_share >= 0.01\n"),
                          ("unless on (instance, process, model", "and on (instance, process, model"),
                          (" unless on (instance, process, model, generation, path) tickmlp_shadow_offered_total", ""),
                          ("serve_model_breaker) > 0", "serve_model_breaker) > 1"),
                          ("sum by (instance, model, protocol, le)", "sum by (instance, model, le)"),
                          ("sum by (instance, model, protocol) (", "sum by (instance, model) ("),
                          ("idle_seconds) > 5", "idle_seconds) > 50"), ("{stage=\"total\"}", "{}"),
                          ("- min by (model)", "- max by (model)"),
                          ("up{job=\"tickmlp-serve\"} == 0", "up == 0"), ("total[1m])) > 0", "total[1m])) > 1")):
        text = (DOCS / "alerts.yml").read_text()
        assert before in text
        (tmp_path / "alerts.yml").write_text(text.replace(before, after))
        assert promtool("test", "rules", tmp_path / "alerts_test.yml").returncode != 0, before


def test_every_alert_has_a_test_and_a_line_in_the_page():
    names = [line.split()[-1] for line in (DOCS / "alerts.yml").read_text().splitlines() if "- alert:" in line]
    assert len(names) == 15
    for name in names:
        assert f"alertname: {name}\n" in (DOCS / "alerts_test.yml").read_text()
        assert f"`{name}`" in (DOCS / "README.md").read_text()


@pytest.fixture(scope="module")
def published(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    done = subprocess.run([binary, "monitor", str(ROOT / "weights" / "tactical-int8.blob"), "--textfile", "a.prom",
                           "--json", "a.json", "--seconds", "2", "--interval", "500ms", "--refuse", "5",
                           "--process", 'quo"te\\'], cwd=folder, timeout=60, check=False, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "a.prom"]
    return folder


def test_the_text_passes_promtool(promtool, published):
    done = promtool("check", "metrics", input=(published / "a.prom").read_text())
    assert done.returncode == 0 and done.stdout == "", done.stdout


def test_promtool_refuses_a_broken_text(promtool, published):
    text = (published / "a.prom").read_text()
    for broken in (text.replace("_total", "_sum_of_all"), text.replace("# HELP tickmlp_model_info", "# was"),
                   text.replace('process="quo\\"te\\\\"', 'process="quo"te\\"')):
        assert broken != text and promtool("check", "metrics", input=broken).returncode != 0


def test_text_and_json_agree(published):
    text, report = (published / "a.prom").read_text(), json.loads((published / "a.json").read_text())
    assert report["schema"] == "tickmlp-monitor/1" and report["process"] == 'quo"te\\'
    assert [source["path"] for source in report["sources"]] == ["full", "tick"]
    for source in report["sources"]:
        def value(name):
            lines = [line for line in text.splitlines()
                     if line.startswith(name + "{") and f'path="{source["path"]}"' in line]
            assert len(lines) == 1
            return lines[0].split()[-1]
        assert int(value("tickmlp_inferences_total")) == source["inferences"] > 0
        assert int(value("tickmlp_refused_inferences_total")) == source["refused"] > 0
        assert source["inferences"] + source["refused"] == source["total"]["count"]
        assert int(value("tickmlp_inference_duration_seconds_count")) == source["total"]["count"]
        assert float(value("tickmlp_interval_p50_seconds")) == pytest.approx(source["interval"]["p50_ns"] / 1e9)
        assert source["interval"]["count"] < source["total"]["count"]
        assert source["interval_ns"] > 0
        assert f'generation="{source["generation"]}"' in text and f'kernel="{source["kernel"]}"' in text
