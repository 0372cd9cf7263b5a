"""`clfnews serve` as a process: its address, its mistakes, its end; and the image that runs it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

from helpers import ROOT, Cli, Project, command, environment, started
from serve_client import Client

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_it_says_where_it_is_answers_and_stops_in_order(rules_filter: Path, tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with started(*command("serve", "-m", rules_filter, "--port", 0), cwd=tmp_path) as server:
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", server.stdout.readline().decode())
            assert found
            client = Client(int(found[1]))
            assert client.get("/health").json == {"status": "ok"} and client.tag({"text": "Một dòng"}).status == 200
            server.send_signal(number)
            assert server.wait(60) in (0, -number)
            assert server.stderr.read() == b""


def test_the_champion_is_served_by_default(project: Project) -> None:
    with started(*command("serve", "--port", 0), cwd=project.folder) as server:
        port = int(server.stdout.readline().decode().strip(" /\n").rpartition(":")[2])
        assert Client(port).get("/version").json["name"] == json.loads((project.filter / "filter.json").read_text())["name"]


def test_mistakes_are_one_line(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cli("serve", "-m", rules_filter, "--port", port)
    assert done.code == 2 and f"--port {port}: cannot be used" in done.error and "--port 0" in done.error
    done = cli("serve", "-m", rules_filter, "--host", "no such host", "--port", 0)
    assert done.code == 2 and "--host no such host: no address of this machine" in done.error
    done = cli("serve", "-m", tmp_path / "none", "--port", 0)
    assert done.code == 2 and "not a clfnews filter" in done.error
    for wrong in (["--max-mb", 0], ["--max-seconds", 0], ["--port", 70_000]):
        assert cli("serve", "-m", rules_filter, *wrong).code == 2


def test_the_web_packages_are_loaded_by_the_server_only() -> None:
    script = "import sys, clfnews.cli.app, clfnews; clfnews.serve; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split("|")} & {"fastapi", "starlette", "uvicorn", "jinja2"}


# --- the Dockerfile ------------------------------------------------------------------------


def steps(name: str) -> list[str]:
    """What stands behind an instruction of the Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def test_the_image_has_all_that_its_wheel_is_made_of() -> None:
    copied = {path for step in steps("COPY") for path in step.split()[:-1] if not path.startswith("--")}
    assert [path for path in copied if not (ROOT / path).exists()] == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = [path for path in wheel["packages"] if not path.startswith("build/")]  # an image is given its model apart
    needed = {*packages, *wheel["shared-data"], settings["project"]["readme"], *settings["project"]["license-files"]}
    assert needed | {"pyproject.toml", "constraints.txt"} <= {path.rstrip("/") for path in copied}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not needed & {line.strip("/") for line in ignored}
    [install] = [step for step in steps("RUN") if "pip install" in step]
    [extras] = re.findall(r"'\.\[(.*?)\]'", install)
    assert set(extras.split(",")) <= set(settings["project"]["optional-dependencies"]) and "-c constraints.txt" in install
    assert steps("FROM") == ["python:3.11-slim"] and steps("USER")[-1] not in ("root", "0")


def test_the_command_and_the_health_check_of_the_image_work(rules_filter: Path, tmp_path: Path) -> None:
    entry, arguments = json.loads(steps("ENTRYPOINT")[0]), json.loads(steps("CMD")[0])
    assert entry == ["clfnews", "serve"] and arguments[:2] == ["--host", "0.0.0.0"]
    assert arguments[arguments.index("--model") + 1] == "/model" and steps("EXPOSE") == ["8000"]
    arguments[arguments.index("/model")] = str(rules_filter)
    check = shlex.split(re.sub(r"^(--\S+ )+CMD ", "", steps("HEALTHCHECK")[0]))
    assert check[:2] == ["python", "-c"] and "http://127.0.0.1:8000/health" in check[2]
    with started(*command("serve", *arguments, "--port", 0), cwd=tmp_path) as server:
        port = int(server.stdout.readline().decode().strip(" /\n").rpartition(":")[2])
        assert "without a password" in server.stdout.readline().decode()
        healthy = [sys.executable, "-c", check[2].replace(":8000/", f":{port}/")]
        assert subprocess.run(healthy, env=environment(), check=False).returncode == 0
        assert Client(port).send("GET", "/health", headers={"Host": "news.example"}).status == 200, "any name"
    assert subprocess.run(healthy, env=environment(), capture_output=True, check=False).returncode != 0
