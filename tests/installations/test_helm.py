"""The Helm chart, linted and rendered by Helm's own library."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import helm_python
import kubernetes_validate
import pytest
import yaml

from entrypoints.cli import cli
from entrypoints.settings import Settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/restoreclick"
#: With a Secret that exists, and with all there is to switch on.
WHOLE: dict[str, Any] = {
    "image": {"repository": "registry.example/restoreclick", "digest": f"sha256:{'a' * 64}"},
    "existingSecret": "photos-secrets",
    "settings": {"PUBLIC_URL": "https://photos.example", "MAX_PHOTO_MEBIBYTES": 60},
    "ingress": {"enabled": True, "host": "photos.example", "tlsSecret": "photos-tls", "className": "nginx"},
    "metrics": {"podMonitor": {"enabled": True}},
    "networkPolicies": {"servers": {"blocks": ["10.1.0.0/16"]}},
    "brandConfigMap": "brand",
}
#: With secrets that the chart keeps, and everything else switched off.
PLAIN: dict[str, Any] = {
    "secrets": {"DATABASE_URL": "postgresql://shop:secret@db/shop", "STRIPE_SECRET_KEY": "sk_live"},
    "api": {"autoscaling": {"enabled": False}},
    "worker": {"autoscaling": {"enabled": False}},
    "networkPolicies": {"enabled": False},
    "podDisruptionBudgets": {"enabled": False},
}

each_way = pytest.mark.parametrize("values", [WHOLE, PLAIN], ids=["whole", "plain"])


def rendered(values: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every document that a release would apply, by kind and name."""
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(dict(values), name="photos", namespace="shop")
    documents = (
        document
        for path, text in files.items()
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    )
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def pods(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pod of every Deployment and Job, with its name."""
    for (kind, name), each in rendered(values).items():
        if kind in {"Deployment", "Job"}:
            yield name, each["spec"]["template"]


@each_way
def test_helm_has_nothing_to_say_against_it(values: dict[str, Any]) -> None:
    report = helm_python.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []


@each_way
def test_each_document_is_one_that_kubernetes_accepts(values: dict[str, Any]) -> None:
    documents = rendered(values)
    known = {key: each for key, each in documents.items() if key[0] != "PodMonitor"}
    assert len(known) >= 5
    for version in ("1.31", "1.37"):
        for each in known.values():
            kubernetes_validate.validate(each, version, strict=True)


def test_a_document_that_kubernetes_refuses_would_be_noticed() -> None:
    wrong = rendered(WHOLE)["Deployment", "photos-api"]
    wrong["spec"]["template"]["spec"]["containers"][0]["readOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_there_is_everything_that_a_cluster_needs() -> None:
    assert rendered(WHOLE).keys() == {
        ("ConfigMap", "photos"),
        ("Deployment", "photos-api"),
        ("Deployment", "photos-worker"),
        ("HorizontalPodAutoscaler", "photos-api"),
        ("HorizontalPodAutoscaler", "photos-worker"),
        ("Ingress", "photos"),
        ("Job", "photos-migration"),
        ("NetworkPolicy", "photos-api"),
        ("NetworkPolicy", "photos-migration"),
        ("NetworkPolicy", "photos-worker"),
        ("PodDisruptionBudget", "photos-api"),
        ("PodDisruptionBudget", "photos-worker"),
        ("PodMonitor", "photos"),
        ("Service", "photos-api"),
    }


@each_way
def test_each_pod_is_an_ordinary_user_that_sees_a_read_only_system(values: dict[str, Any]) -> None:
    found = dict(pods(values))
    assert found.keys() == {"photos-api", "photos-worker", "photos-migration"}
    for pod in found.values():
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_each_pod_runs_a_command_that_exists() -> None:
    for _, pod in pods(WHOLE):
        found: click.Command = cli
        for word in pod["spec"]["containers"][0]["args"]:
            assert isinstance(found, click.Group)
            found = found.commands[word]


def test_the_user_of_the_pods_is_the_one_of_the_image() -> None:
    (user,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert {str(pod["spec"]["securityContext"]["runAsUser"]) for _, pod in pods(WHOLE)} == {user}


def test_an_outage_of_the_database_kills_no_process() -> None:
    documents = rendered(WHOLE)
    (api,) = documents["Deployment", "photos-api"]["spec"]["template"]["spec"]["containers"]
    (worker,) = documents["Deployment", "photos-worker"]["spec"]["template"]["spec"]["containers"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert api["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert worker["livenessProbe"]["httpGet"] == {"path": "/favicon.ico", "port": "metrics"}
    assert "readinessProbe" not in worker


def test_workers_grow_with_the_queue() -> None:
    (metric,) = rendered(WHOLE)["HorizontalPodAutoscaler", "photos-worker"]["spec"]["metrics"]
    assert metric["external"] == {
        "metric": {"name": "restoreclick_queue_depth"},
        "target": {"type": "AverageValue", "averageValue": "30"},
    }
    assert "replicas" not in rendered(WHOLE)["Deployment", "photos-worker"]["spec"]
    assert rendered(PLAIN)["Deployment", "photos-worker"]["spec"]["replicas"] == 2


def test_the_schema_is_upgraded_before_anything_else_of_a_release() -> None:
    for values, secret in ((WHOLE, "photos-secrets"), (PLAIN, "photos-migration")):
        documents = rendered(values)
        job = documents["Job", "photos-migration"]
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        (setting,) = container["env"]
        assert setting["name"] == "DATABASE_URL"
        assert setting["valueFrom"]["secretKeyRef"] == {"name": secret, "key": "DATABASE_URL"}
        assert "envFrom" not in container, "it gets no other secret"
        if secret == "photos-migration":
            early = documents["Secret", secret]
            assert early["metadata"]["annotations"]["helm.sh/hook-weight"] == "-10"
            assert early["stringData"].keys() == {"DATABASE_URL"}


def test_requests_come_from_the_proxy_and_scrapes_from_prometheus() -> None:
    api = rendered(WHOLE)["NetworkPolicy", "photos-api"]["spec"]
    assert {
        rule["ports"][0]["port"]: [
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in rule["from"]
        ]
        for rule in api["ingress"]
    } == {"http": ["ingress-nginx"], "metrics": ["monitoring"]}
    assert rendered(WHOLE)["NetworkPolicy", "photos-migration"]["spec"]["ingress"] == []
    closed = {**WHOLE, "networkPolicies": {"ingressNamespaces": [], "monitoringNamespaces": []}}
    assert rendered(closed)["NetworkPolicy", "photos-api"]["spec"]["ingress"] == []


def test_processes_reach_their_servers_the_web_and_nothing_else() -> None:
    worker, migration = (
        rendered(WHOLE)["NetworkPolicy", f"photos-{name}"]["spec"]["egress"]
        for name in ("worker", "migration")
    )
    names, servers, web = worker
    assert {port["port"] for port in names["ports"]} == {53}
    assert servers["to"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    assert [port["port"] for port in web["ports"]] == [443]
    assert web["to"][0]["ipBlock"]["except"] == ["169.254.0.0/16"]
    assert migration == [names, servers]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"settings": {"STRIPE_SECRET_KEY": "sk_live"}}, "STRIPE_SECRET_KEY"),
        ({"settings": {"DATABASE_URL": "postgresql://shop:secret@db/shop"}}, "DATABASE_URL"),
        ({"worker": {"replica": 3}}, "replica"),
        ({"ingress": {"enabled": True}}, "host"),
    ],
)
def test_values_that_are_wrong_are_refused(wrong: dict[str, Any], complaint: str) -> None:
    with helm_python.Chart.load(CHART) as chart, pytest.raises(helm_python.HelmValuesError, match=complaint):
        chart.validate_schema({**PLAIN, **wrong})


def test_each_secret_setting_of_the_shop_is_refused_among_the_plain_ones() -> None:
    hidden = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if "Secret" in str(field.annotation) or not field.repr
    }
    assert len(hidden) >= 8
    with helm_python.Chart.load(CHART) as chart:
        for name in hidden:
            with pytest.raises(helm_python.HelmValuesError, match=name):
                chart.validate_schema({**PLAIN, "settings": {name: "x"}})


def test_a_release_may_make_backups_of_its_own() -> None:
    backups = {
        "BACKUP_KIND": "logical",
        "BACKUP_INTERVAL_HOURS": 1,
        "BACKUP_S3_ENDPOINT": "https://s3.example",
        "BACKUP_S3_BUCKET": "copies",
    }
    keys = dict.fromkeys(("BACKUP_KEY", "BACKUP_S3_ACCESS_KEY", "BACKUP_S3_SECRET_KEY"), "k" * 64)
    release = rendered({**PLAIN, "settings": backups, "secrets": {**PLAIN["secrets"], **keys}})
    plain = {name: str(value) for name, value in backups.items()}
    (config,) = [each for (kind, _), each in release.items() if kind == "ConfigMap"]
    (secret,) = [
        each
        for (kind, _), each in release.items()
        if kind == "Secret" and "migration" not in each["metadata"]["name"]
    ]
    assert config["data"].items() >= plain.items()
    assert secret["stringData"].items() >= keys.items()


def test_a_release_without_secrets_says_what_is_missing() -> None:
    with pytest.raises(helm_python.HelmRenderError, match="Set existingSecret"):
        rendered({})


def test_a_changed_setting_starts_new_pods() -> None:
    before, after = (
        dict(pods({**WHOLE, "settings": {"PUBLIC_URL": url}}))["photos-worker"]["metadata"]["annotations"]
        for url in ("https://photos.example", "https://pictures.example")
    )
    assert before["checksum/settings"] != after["checksum/settings"]
    assert len(before["checksum/settings"]) == len(hashlib.sha256().hexdigest())
