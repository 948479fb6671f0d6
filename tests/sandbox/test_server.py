"""The sandbox over its socket."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.sandbox.proxies import past_proxies

pytest_plugins = ["pytester"]


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def key(sandbox):
    return {"Authorization": "Bearer " + sandbox.hightouch.api_key}


@pytest.fixture
def syncs(sandbox):
    return sandbox.hightouch.base_url + "/api/v1/syncs"


def test_three_vendors(sandbox, key, syncs):
    run_id = requests.post(sandbox.census.api_trigger(1)).json()["data"]["sync_run_id"]
    assert run_id == sandbox.census.runs[0].id
    v2 = {"Authorization": "Bearer " + sandbox.census.personal_access_token}
    path = f"{sandbox.census.base_url}/api/v2/sync_runs/{run_id}"
    assert requests.get(path, headers=v2).json()["data"]["status"] == "working"
    assert requests.get(syncs, headers=key).json()["data"][0]["slug"] == "demo-sync"
    airbyte = sandbox.airbyte
    client = {"client_id": airbyte.client_id, "client_secret": airbyte.client_secret}
    token = requests.post(airbyte.api_url + "/applications/token", json=client).json()
    bearer = {"Authorization": "Bearer " + token["access_token"]}
    fields = {"connectionId": airbyte.connection_id, "jobType": "sync"}
    job = requests.post(airbyte.api_url + "/jobs", json=fields, headers=bearer).json()
    info = requests.post(
        airbyte.config_api_url + "/jobs/get_without_logs", json={"id": job["jobId"]}, headers=bearer
    )
    assert info.json()["job"]["status"] == "running"
    assert [r.operation for r in sandbox.requests] == [
        *("trigger", "run", "syncs", "token", "trigger", "job_details"),
    ]


def test_each_method_arrives(sandbox, key, syncs):
    for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert requests.request(method, syncs, headers=key).status_code == 404
        assert sandbox.requests[-1].method == method


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
def test_dropped_connections(sandbox, key, syncs, drop):
    sandbox.hightouch.fault("trigger", drop=drop)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(syncs + "/1/trigger", headers=key)
    assert sandbox.hightouch.accepted() == (drop != "before")


def test_slow_answers(sandbox, key, syncs):
    sandbox.hightouch.fault("trigger", delay=0.2)
    with pytest.raises(requests.ReadTimeout):
        requests.post(syncs + "/1/trigger", headers=key, timeout=0.05)
    assert sandbox.hightouch.accepted() == 1
    sandbox.hightouch.fault("runs", drip=0.001, body="0123456789")
    began = time.monotonic()
    assert requests.get(syncs + "/1/runs", headers=key).text == "0123456789"
    assert time.monotonic() - began >= 0.01


def test_other_faults(sandbox, key, syncs):
    sandbox.hightouch.fault("syncs", status=204)
    assert requests.get(syncs, headers=key).status_code == 204
    sandbox.hightouch.fault("syncs", status=299, headers={"Retry-After": "2"}, body="odd")
    odd = requests.get(syncs, headers=key)
    assert (odd.status_code, odd.headers["Retry-After"], odd.text) == (299, "2", "odd")
    sandbox.hightouch.fault("syncs", redirect=syncs + "/1")
    assert requests.get(syncs, headers=key).json()["id"] == 1
    sandbox.hightouch.fault("syncs", malformed="huge")
    assert len(requests.get(syncs, headers=key).content) > 16 * 1024 * 1024


def test_many_clients_at_once(sandbox, key, syncs):
    sandbox.hightouch.script(1, duration=0)

    def post():
        requests.post(syncs + "/1/trigger", headers=key)

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [run.id for run in sandbox.hightouch.runs]
    assert len(set(ids)) == sandbox.hightouch.accepted() == 20 == len(sandbox.requests)


def test_stop_ends_threads_and_sockets_and_waits_for_nobody(caplog):
    before = set(threading.enumerate())
    sandbox = Sandbox()
    sandbox.stop()
    assert sandbox.start() is sandbox.start() is sandbox
    assert len(set(threading.enumerate()) - before) == 1
    url, port = sandbox.url, int(sandbox.url.rpartition(":")[2])
    sandbox.census.fault("*", delay=60)
    failures = []

    def hang():
        try:
            requests.get(url + "/census/api/v1/syncs")
        except requests.ConnectionError as error:
            failures.append(error)

    client = threading.Thread(target=hang)
    idle = socket.create_connection(("127.0.0.1", port))
    client.start()
    while not sandbox.requests:
        time.sleep(0.005)
    began = time.monotonic()
    sandbox.stop()
    client.join()
    assert time.monotonic() - began < 2 and failures
    assert idle.recv(1) == b""
    idle.close()
    assert not set(threading.enumerate()) - before
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
    assert not caplog.records
    with sandbox:
        assert requests.get(sandbox.url + "/census/api/v1/syncs").status_code == 401


def test_several_at_once_and_a_port_of_ones_own():
    with Sandbox() as one, Sandbox() as two:
        assert one.url != two.url
        port = int(two.url.rpartition(":")[2])
        with pytest.raises(OSError):
            Sandbox(port=port).start()
    with Sandbox(port=port) as again:
        assert again.url == two.url.replace(":0", f":{port}")


def test_importing_the_sandbox_costs_little():
    code = (
        "import sys, prefect1_rsync.sandbox as s; s.Sandbox(); sys.exit('tornado' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        (None, None, ("127.0.0.1", "127.0.0.1")),
        ("", " ", ("127.0.0.1", "127.0.0.1")),
        ("a.example", None, ("a.example,127.0.0.1", "a.example,127.0.0.1")),
        ("a.example", "b.example", ("a.example,127.0.0.1", "b.example,127.0.0.1")),
        ("*", None, ("*", "*")),
        (None, "a, 127.0.0.1", ("a, 127.0.0.1", "a, 127.0.0.1")),
        ("127.0.0.10", None, ("127.0.0.10,127.0.0.1", "127.0.0.10,127.0.0.1")),
    ],
)
def test_the_users_own_exceptions_from_the_proxy_are_kept(monkeypatch, upper, lower, expected):
    for name, value in (("NO_PROXY", upper), ("no_proxy", lower)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    found = past_proxies()
    assert (found["NO_PROXY"], found["no_proxy"]) == expected
    assert requests.utils.should_bypass_proxies("http://127.0.0.1:8700", found["no_proxy"])


def test_the_pytest_plugin(pytester, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    # Nobody is there.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    pytester.makeconftest("from prefect1_rsync.sandbox.pytest_plugin import sync_sandbox")
    pytester.makepyfile(
        """
        import requests

        def test_one(sync_sandbox):
            assert requests.post(sync_sandbox.census.api_trigger(1)).status_code == 200

        def test_two(sync_sandbox):
            assert sync_sandbox.census.accepted() == 0
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    assert "NO_PROXY" not in os.environ and "no_proxy" not in os.environ
