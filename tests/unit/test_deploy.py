"""What stands in deploy/: linted, and as far as this machine can, run. There is no container engine here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.load.served import free_port
from tests.people import rows, somebody
from tests.proxies import nginx
from tests.running import Running, configured, running

from dragoman import building, metrics, settings
from dragoman.core.audit import audit_log

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = ("database", "node-1", "node-2", "proxy", "prometheus")


def compose() -> Any:
    """compose.yaml, read."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    """The linter of Dockerfiles finds nothing, at its strictest."""
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint has no wheel for this kind of machine")
    linted = subprocess.run(
        [hadolint, "--failure-threshold", "style", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_image_runs_as_nobody_in_particular_and_is_asked_for_its_health() -> None:
    """The image's user is not root, it is checked by `dragoman health`, and what is installed has a known hash."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!0|root)\d+:\d+$", last, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .* CMD \["dragoman", "health"\]$', last, re.MULTILINE)
    installs = re.findall(r"pip install(?:\\\n|[^&\n])*", text)
    assert len(installs) == 4
    assert all("--require-hashes" in each or each.endswith("--no-build-isolation .") for each in installs)


def test_what_the_image_is_built_of_is_enough(tmp_path: Path) -> None:
    """From the files that .dockerignore admits and the Dockerfile copies, and no others, the package can be built."""
    admitted = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    for name in admitted:
        source, target = ROOT / name, tmp_path / "build" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    wanted = {name.rstrip("/").split("/")[0] for line in copied for name in line.split()}
    assert wanted == {name.split("/")[0] for name in admitted}
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*build, "--wheel-dir", tmp_path / "wheel", tmp_path / "build"], check=True)
    assert [file.name.split("-")[0] for file in (tmp_path / "wheel").iterdir()] == ["dragoman"]


def test_the_compose_file_is_one() -> None:
    """compose.yaml is valid by the Compose Specification, its references to networks, volumes and secrets included."""
    compose_spec = pytest.importorskip("compose_spec", reason="it has no wheel for this kind of machine")
    # Merge keys are YAML's, and expanded by whoever reads it.
    checked = compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose()))
    checked.validate()
    assert set(checked.service_names()) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_may_more_than_it_must(name: str) -> None:
    """Every container has a read-only file system and no capability but those named, and gains none."""
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_nodes_settings_are_settings() -> None:
    """What the nodes are told is accepted: the database, its password and the master key from files, and whom to trust."""
    for node in ("node-1", "node-2"):
        told = {name: str(value) for name, value in compose()["services"][node]["environment"].items()}
        told["DRAGOMAN_SERVER__BASE_URL"] = "https://id.example.org"
        secrets = {name: value for name, value in told.items() if name.endswith("_FILE")}
        assert set(secrets.values()) == {f"/run/secrets/{name}" for name in compose()["secrets"]}
        kept = {name: value for name, value in told.items() if name not in secrets}
        read = settings.load(None, kept, dialect_models=building.dialect_models())
        proxy = compose()["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
        prometheus = compose()["services"]["prometheus"]["networks"]["inside"]["ipv4_address"]
        assert [str(network) for network in read.server.trusted_proxies] == [f"{proxy}/32"]
        assert [str(network) for network in read.metrics.networks] == [f"{prometheus}/32"]


@pytest.fixture
def behind_nginx(sqlite_url: str, tmp_path: Path, hasher: Any, clock: Any) -> Iterator[tuple[Running, str]]:
    """A server, and the URL of a real nginx before it, with the configuration of deploy/ but for addresses."""
    told = configured(sqlite_url, server={"trusted_proxies": ["127.0.0.0/8"]})
    with running(told, hasher, clock) as server:
        url = f"http://127.0.0.1:{free_port()}"
        text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        for node in ("node-1:8080", "node-2:8080"):
            text = text.replace(node, server.url.removeprefix("http://"))
        text = text.replace("listen 8080", f"listen {url.removeprefix('http://')}")
        text = text.replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - the container's, which is its own
        with nginx(text, tmp_path, url):
            yield server, url


def test_nginx_passes_on_who_asks_and_keeps_the_metrics_inside(behind_nginx: tuple[Running, str]) -> None:
    """Through nginx a client's address is its own, whatever it claims, and nobody reads the metrics."""
    server, url = behind_nginx
    somebody(server.core, "alice@example.org")
    httpx2.post(
        f"{url}/immich/api/auth/login",
        json={"email": "alice@example.org", "password": "wrong"},
        headers={"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=198.51.100.7"},
        trust_env=False,
    )
    refused = [row for row in rows(server.core, audit_log) if row["event"] == "sign-in refused"]
    assert [row["address"] for row in refused] == ["127.0.0.1"]
    assert httpx2.get(f"{url}/metrics", trust_env=False).status_code == 404


def test_prometheus_asks_the_nodes() -> None:
    """The example for Prometheus asks every node of the compose file, at its port."""
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["node-1:8080", "node-2:8080"]}]


def expressions(value: Any) -> Iterator[str]:
    """Every PromQL expression of a dashboard, at any depth; what fills its variables, too."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name in ("expr", "query") and isinstance(each, str):
                yield each
            else:
                yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


def test_the_dashboard_shows_what_is_told(sqlite_server: Running) -> None:
    """Every number that the dashboard names is told by a server with the labels it asks for, and no figure is missing."""
    shown = list(expressions(json.loads((DEPLOY / "grafana" / "dragoman.json").read_text(encoding="utf-8"))))
    text = httpx2.get(f"{sqlite_server.url}/metrics", trust_env=False).text
    families = {family.name: family.type for family in text_string_to_metric_families(text)}
    suffixes: dict[str, Sequence[str]] = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    told = {name + end for name, kind in families.items() for end in suffixes.get(kind, [""])}
    named = {name for each in shown for name in re.findall(r"\b(?:dragoman|process)_\w+", each)}
    assert named
    assert named - told == set()
    labels = {figure.name: set(figure.labels) for figure in metrics.FIGURES}
    seen = set()
    for each in shown:
        names = [name.removeprefix("dragoman_") for name in re.findall(r"\b(?:dragoman|process)_\w+", each)]
        figures = {re.sub("_(total|bucket|sum|count)$", "", name) for name in names} & labels.keys()
        asked = {label for by in re.findall(r"\bby \(([^)]*)\)", each) for label in by.split(", ")}
        asked |= set(re.findall(r'[{,](\w+)=~?"', each))
        assert all(asked - {"job", "instance", "le"} <= labels[figure] for figure in figures), each
        seen |= figures
    assert seen == labels.keys()


def test_promtool_reads_all_that_is_for_prometheus(sqlite_server: Running, tmp_path: Path) -> None:
    """Prometheus' own tool takes its configuration, every expression of the dashboard, and what a server tells."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    dashboard = json.loads((DEPLOY / "grafana" / "dragoman.json").read_text(encoding="utf-8"))
    shown = list(expressions(dashboard["panels"]))
    filled = [each.replace("$__rate_interval", "5m").replace("$job", "dragoman") for each in shown]
    rules = [{"record": f"dashboard:{number}", "expr": each} for number, each in enumerate(filled)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    told = httpx2.get(f"{sqlite_server.url}/metrics", trust_env=False).content
    for words, given in (
        (["config", DEPLOY / "prometheus.yml"], b""),
        (["rules", tmp_path / "rules.json"], b""),
        (["metrics"], told),
    ):
        checked = subprocess.run([promtool, "check", *words], input=given, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, b""), words
