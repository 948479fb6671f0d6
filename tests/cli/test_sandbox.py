"""`prefect1-rsync sandbox`."""

import re
import signal
import socket

import pytest
import requests
from click.testing import CliRunner

from prefect1_rsync.cli import main
from prefect1_rsync.cli.sandbox import introduction
from prefect1_rsync.sandbox import Sandbox

from .kit import process


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


def test_no_line_is_wider_than_a_terminal_but_the_longest_url():
    with Sandbox() as sandbox:
        lines = introduction(sandbox).splitlines()
    assert [line for line in lines if len(line) > 79] == []
