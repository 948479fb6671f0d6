import logging

import pytest

from prefect1_rsync.engine.events import listening
from tests.engine.fakes import FakeVendor, run


def test_listeners_hear_a_sync_from_start_to_end(clock):
    mine, everybodys = [], []
    with listening(everybodys.append):
        run(FakeVendor(clock), [mine.append])
    assert [event.kind for event in mine] == ["started", "looked", "looked", "ended"]
    assert mine == everybodys
    last = mine[-1]
    assert (last.vendor, last.sync_id, last.run_id) == ("Fake", "s1", "100")
    assert (last.run_url, last.seconds) == ("https://fake.example/100", 10)
    assert last.report.status == "completed"


def test_a_listener_hears_no_more_after_the_block(clock):
    heard = []
    with pytest.raises(KeyError), listening(heard.append):
        raise KeyError
    run(FakeVendor(clock))
    assert heard == []


def test_a_broken_listener_loses_no_sync(clock, caplog):
    heard = []

    def broken(event):
        raise RuntimeError("a progress bar fell over")

    with caplog.at_level(logging.WARNING, "prefect1_rsync"):
        stats = run(FakeVendor(clock), [broken, heard.append])
    assert stats["status"] == "completed"
    assert len(heard) == len(caplog.records) == 4
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "A listener failed on the event 'started'"
    assert told[-1] == "A listener failed on the event 'ended'"
    assert all(record.exc_info[0] is RuntimeError for record in caplog.records)
