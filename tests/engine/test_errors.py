import inspect
import pickle

import cloudpickle
import pytest

from prefect1_rsync.engine import errors

STATS = {"status": "failed", "run_id": "7", "raw": {"deep": [1, None]}}
CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.SyncError)
]
API_CLASSES = [cls for cls in CLASSES if issubclass(cls, errors.SyncApiError)]


def test_all_classes_are_here():
    assert len(CLASSES) == 12


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
@pytest.mark.parametrize("cls", CLASSES)
def test_errors_survive_pickling(cls, pickler):
    error = cls("Fake sync 1: failed", STATS)
    for _ in range(2):
        error = pickler.loads(pickler.dumps(error))
    assert type(error) is cls
    assert (str(error), error.stats) == ("Fake sync 1: failed", STATS)
    assert error.retryable is cls("x").retryable


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
@pytest.mark.parametrize("cls", API_CLASSES)
def test_api_errors_keep_what_they_know(cls, pickler):
    error = pickler.loads(pickler.dumps(cls("no", STATS, 503, True, 12.5, True)))
    assert (error.status_code, error.transient, error.retry_after) == (503, True, 12.5)
    assert (error.stats, error.had_no_effect, error.retryable) == (STATS, True, True)


@pytest.mark.parametrize("cls", API_CLASSES)
def test_nothing_is_taken_for_known_that_was_not_said(cls):
    assert cls("no").args == ("no", None, None, False, None, False)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_repr_holds_no_stats(cls):
    assert repr(cls("a message", STATS)) == f"{cls.__name__}('a message')"


def test_stats_can_be_set_later_and_survive_pickling():
    error = errors.SyncApiError("no", None, 500, True)
    error.stats = STATS
    error = pickle.loads(pickle.dumps(error))
    assert (error.stats, error.status_code, error.transient) == (STATS, 500, True)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (errors.SyncRunFailed("x"), True),
        (errors.SyncRunTimedOut("x"), True),
        (errors.SyncRunDisabled("x"), False),
        (errors.SyncUnauthorized("x", None, 401), False),
        (errors.SyncNotFound("x", None, 404), False),
        (errors.SyncApiError("x", None, 400), False),
        (errors.SyncApiError("x", None, 503, True), True),
        (errors.SyncAlreadyRunning("x", None, 409), True),
    ],
)
def test_only_what_may_get_better_is_retryable(error, retryable):
    assert error.retryable is retryable
