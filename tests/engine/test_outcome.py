import pytest

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    SKIPPED,
    WORKING,
    RunReport,
)
from prefect1_rsync.engine.outcome import error_for, judged

REJECTED = [
    ({"records_failed": 1}, "1 record was rejected"),
    ({"records_invalid": 1}, "1 record was rejected"),
    ({"records_failed": 2, "records_invalid": 3}, "5 records were rejected"),
    ({"warning": True}, "some records were rejected"),
    ({"warning": True, "records_failed": 0}, "some records were rejected"),
    ({"warning": True, "records_failed": 4}, "4 records were rejected"),
    ({"warning": True, "error_message": "bad e-mail"}, "some records were rejected: bad e-mail"),
]


@pytest.mark.parametrize(("fields", "reason"), REJECTED)
def test_rejected_records_fail_a_run_that_completed_if_they_shall(fields, reason):
    report = RunReport(COMPLETED, "done", **fields)
    assert judged(report, False) is report
    failed = judged(report, True)
    assert failed == report._replace(status=FAILED, error_message=reason)


@pytest.mark.parametrize("fields", [fields for fields, _ in REJECTED], ids=str)
@pytest.mark.parametrize("status", [WORKING, FAILED, CANCELLED, SKIPPED])
def test_a_run_that_did_not_complete_counts_as_it_is(status, fields):
    report = RunReport(status, **fields)
    assert judged(report, True) is report


@pytest.mark.parametrize("fields", [{}, {"records_failed": 0}, {"records_invalid": 0}])
def test_without_rejected_records_a_run_counts_as_it_is(fields):
    report = RunReport(COMPLETED, **fields)
    assert judged(report, True) is report


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (RunReport(COMPLETED), None),
        (RunReport(COMPLETED, warning=True), None),
        (RunReport(WORKING), None),
        (RunReport(FAILED), errors.SyncRunFailed),
        (RunReport(CANCELLED), errors.SyncRunCancelled),
        (RunReport(SKIPPED), errors.SyncRunSkipped),
        (RunReport(FAILED, interrupted=True), errors.SyncRunInterrupted),
    ],
)
def test_every_end_has_its_error(report, error):
    assert error_for(report) is error
