"""`prefect1-rsync sandbox`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

import prefect1_rsync
from prefect1_rsync import CensusSyncTask
from prefect1_rsync.cli import main
from prefect1_rsync.cli.environment import OTHERS, variables
from prefect1_rsync.cli.sandbox import introduction
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks import airbyte as tasks

from .kit import process

PACKAGE = Path(prefect1_rsync.__file__).parent
READ_BY_THE_TASKS = {
    "CENSUS_API_TOKEN",
    "CENSUS_BASE_URL",
    "HIGHTOUCH_API_KEY",
    "HIGHTOUCH_BASE_URL",
    "AIRBYTE_API_URL",
    "AIRBYTE_CLIENT_ID",
    "AIRBYTE_CLIENT_SECRET",
    *OTHERS,
}


def read_introduction(running):
    """What it prints before it waits; the exports as a dict."""
    text = ""
    for line in running.stdout:
        text += line
        if line.startswith("Ctrl-C"):
            return text, dict(re.findall(r"^export (\w+)=(\S+)$", text, re.M))
    raise AssertionError(f"it ended: {text}{running.stderr.read()}")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_it_prints_until_it_is_stopped(stop):
    with process("sandbox") as running:
        text, variables = read_introduction(running)

        census = requests.get(
            variables["CENSUS_BASE_URL"] + "/api/v2/syncs/1",
            headers={"Authorization": "Bearer " + variables["CENSUS_API_TOKEN"]},
        )
        hightouch = requests.get(
            variables["HIGHTOUCH_BASE_URL"] + "/api/v1/syncs/1",
            headers={"Authorization": "Bearer " + variables["HIGHTOUCH_API_KEY"]},
        )
        token = requests.post(
            variables["AIRBYTE_API_URL"] + "/applications/token",
            json={
                "client_id": variables["AIRBYTE_CLIENT_ID"],
                "client_secret": variables["AIRBYTE_CLIENT_SECRET"],
            },
        ).json()["access_token"]
        connection = re.search('connection_id="(.+)"', text).group(1)
        airbyte = requests.get(
            variables["AIRBYTE_API_URL"] + "/connections/" + connection,
            headers={"Authorization": "Bearer " + token},
        )
        trigger = requests.post(re.search("^http://bearer:.+$", text, re.M).group(0))
        assert [each.status_code for each in (census, hightouch, airbyte, trigger)] == [200] * 4

        running.send_signal(stop)
        rest, errors = running.communicate(timeout=30)
        assert (running.returncode, errors) == (0, "")
        assert rest.endswith("The sandbox has stopped.\n")


def test_it_takes_the_port_that_it_is_given():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with process("sandbox", "--port", str(port)) as running:
        _, variables = read_introduction(running)
        assert variables["HIGHTOUCH_BASE_URL"] == f"http://127.0.0.1:{port}/hightouch"


def test_a_port_in_use_is_one_clear_line():
    with Sandbox() as other:
        port = other.url.rpartition(":")[2]
        result = CliRunner().invoke(main, ["sandbox", "--port", port])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: port {port} is in use; choose another, or leave --port out for a free one\n"
    )


def test_a_port_that_is_not_allowed_is_one_clear_line(monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Sandbox, "start", refuse)
    result = CliRunner().invoke(main, ["sandbox", "--port", "80"])
    assert result.exit_code == 1
    assert result.output == "Error: port 80 can't be used: Permission denied\n"


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_no_port(port):
    result = CliRunner().invoke(main, ["sandbox", "--port", port])
    assert result.exit_code == 2 and "--port" in result.output


def test_signals_are_as_they_were_after_it(monkeypatch):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    monkeypatch.setattr(signal, "sigwait", lambda signals: signal.SIGINT)
    result = CliRunner().invoke(main, ["sandbox"])
    assert result.exit_code == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_what_it_prints_is_all_that_a_shell_needs():
    """Whatever the user has set for the real vendors, and for a proxy."""
    theirs = {f"{name}": "of-the-real-one" for name in READ_BY_THE_TASKS}
    theirs.update(HTTP_PROXY="http://proxy.example.com:3128", NO_PROXY="a.example, b.example")
    kept = {k: v for k, v in os.environ.items() if k.lower() != "no_proxy"}
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        patch.setattr(os, "environ", {**kept, **theirs})
        printed = introduction(sandbox)
        expected = variables(sandbox)
    script = "\n".join(re.findall(r"^(?:export|unset) .+$", printed, re.M))
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    shown = subprocess.run(
        ["sh", "-euc", f'{script}\nexec "$@"', "sh", sys.executable, "-c", code],
        env={**kept, **theirs},
        stdout=subprocess.PIPE,
        check=True,
    )
    environment = json.loads(shown.stdout)
    found = {name: environment[name] for name in {*theirs, *expected} & {*environment}}
    assert found == {**expected, "HTTP_PROXY": theirs["HTTP_PROXY"]}
    assert environment["NO_PROXY"] == environment["no_proxy"] == "a.example, b.example,127.0.0.1"
    assert requests.utils.should_bypass_proxies(sandbox.url, environment["no_proxy"])
    assert requests.utils.should_bypass_proxies("http://b.example", environment["no_proxy"])


def test_the_tasks_read_no_more_than_that():
    text = "".join(path.read_text("utf-8") for path in (PACKAGE / "tasks").glob("*.py"))
    read = set(re.findall(r'"((?:CENSUS|HIGHTOUCH|AIRBYTE)_[A-Z_]+)"', text))
    read |= {"AIRBYTE_" + name.upper() for name in tasks._CREDENTIALS}
    assert read == READ_BY_THE_TASKS


def test_the_trigger_url_works_as_it_says():
    with Sandbox() as sandbox:
        text = introduction(sandbox)
        url = re.search("^http://bearer:.+$", text, re.M).group(0)
        (base_url,) = re.findall('^together with base_url="(.+)":$', text, re.M)
        with pytest.raises(ValueError, match="api_trigger"):
            CensusSyncTask(api_trigger=url)
        task = CensusSyncTask(api_trigger=url, base_url=base_url, wait_for_completion=False)
        assert task.run()["status"] == "working"


def test_no_line_is_wider_than_a_terminal_but_the_longest_url(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Sandbox() as sandbox:
        lines = introduction(sandbox).splitlines()
    assert [line for line in lines if len(line) > 79] == []
