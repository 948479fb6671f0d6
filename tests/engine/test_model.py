import json

import pytest

from prefect1_rsync.engine.model import RunHandle, RunReport, SyncRequest, stats_of

KEYS = [
    "status",
    "error_message",
    "records_processed",
    "records_updated",
    "records_failed",
    "records_invalid",
    "bytes_synced",
    "vendor",
    "vendor_status",
    "sync_id",
    "run_id",
    "run_url",
    "started_at",
    "finished_at",
    "duration_seconds",
    "raw",
]


def test_stats_have_the_contracts_keys_with_and_without_a_run():
    handle = RunHandle("fake", "1", "7", "https://x.example")
    for stats in (
        stats_of("fake", SyncRequest("1"), handle, RunReport("completed")),
        stats_of("fake", SyncRequest(""), None, RunReport("failed")),
    ):
        assert list(stats) == KEYS
        json.dumps(stats, allow_nan=False)


def test_unknown_is_none_and_never_zero():
    stats = stats_of("fake", SyncRequest(""), None, RunReport("working"))
    assert {key for key, value in stats.items() if value is not None} == {"status", "vendor"}


@pytest.mark.parametrize(
    ("report", "duration"),
    [
        (RunReport("completed", duration_seconds=3.0), 3.0),
        (
            RunReport(
                "completed",
                started_at="2026-01-01T00:00:00Z",
                finished_at="2026-01-01T00:01:00.5Z",
            ),
            60.5,
        ),
        (RunReport("completed", started_at="2026-01-01T00:00:00Z"), None),
    ],
)
def test_the_duration_is_the_vendors_or_counted(report, duration):
    assert stats_of("fake", SyncRequest("1"), None, report)["duration_seconds"] == duration


@pytest.mark.parametrize(
    ("failed", "invalid", "rejected"),
    [(None, None, None), (0, None, 0), (None, 2, 2), (1, 2, 3)],
)
def test_rejected_records_are_those_that_are_known(failed, invalid, rejected):
    report = RunReport("completed", records_failed=failed, records_invalid=invalid)
    assert report.rejected == rejected


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "skipped"])
def test_every_status_but_working_is_an_end(status):
    assert RunReport(status).ended
    assert not RunReport("working").ended


def test_the_run_is_named_by_its_handle_before_the_request():
    handle = RunHandle("fake", "1", "7", "https://x.example")
    keys = ("sync_id", "run_id", "run_url", "vendor")
    stats = stats_of("fake", SyncRequest("2"), handle, RunReport("completed"))
    assert [stats[key] for key in keys] == ["1", "7", "https://x.example", "fake"]
    stats = stats_of("fake", SyncRequest("2"), None, RunReport("completed"))
    assert [stats[key] for key in keys] == ["2", None, None, "fake"]
