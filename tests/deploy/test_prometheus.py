"""What Prometheus collects, by the file that compose mounts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy/prometheus/prometheus.yaml"
PROMTOOL = shutil.which("promtool")


def test_every_process_of_the_shop_is_collected_where_it_serves_its_metrics() -> None:
    shop = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    (job,) = [
        each
        for each in yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]
        if each["job_name"] == "restoreclick"
    ]
    (looked_up,) = job["dns_sd_configs"]
    assert looked_up["names"] == ["api", "worker"]
    for name in looked_up["names"]:
        assert shop[name]["environment"]["METRICS_PORT"] == str(looked_up["port"])
        assert "monitoring" in shop[name]["networks"]


def test_the_alerts_look_at_the_job_that_is_collected() -> None:
    rules = (CONFIGURATION.parent / "rules/restoreclick.yaml").read_text()
    assert set(re.findall(r'job="([^"]+)"', rules)) == {"restoreclick"}


@pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is missing: apt-get install prometheus, then make test-alerts"
)
def test_promtool_accepts_the_configuration_with_its_rules() -> None:
    checked = subprocess.run(  # noqa: S603 -- our own words
        [str(PROMTOOL), "check", "config", str(CONFIGURATION)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "rules found" in checked.stdout
