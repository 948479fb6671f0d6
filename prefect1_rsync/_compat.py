"""Mends what no bound in setup.py can: Prefect 1.4.1 on Python 3.12 and later.

Prefect 1 was written for pendulum 2, which can't be installed there. With pendulum 3 one thing is
missing: `prefect.schedules.clocks.CronClock` asserts `isinstance(..., pendulum.tz._Timezone)`, so
every CronSchedule raises AttributeError. `mend_pendulum` puts that name back; it then names the class
of all pendulum 3 time zones, as in pendulum 2.

One difference stays, on purpose: the hour that autumn repeats. A cron that falls into it fires once
either way, but pendulum 2 chooses the second pass and pendulum 3 the first, which is what CronClock's
docstring promises. "0 * * * *" in Europe/Berlin, 25 October 2026:

    Python 3.11, pendulum 2.1.2    01:00+02:00  02:00+01:00  03:00+01:00
    Python 3.12, pendulum 3.3.0    01:00+02:00  02:00+02:00  03:00+01:00

A thing that pendulum 3 does better: pendulum 2 carries its own time zones, of 2020 (pytzdata 2020.1).
"0 9 * * *" in America/Mexico_City, which gave up summer time in 2022, is 09:00-05:00 in July 2026 on
Python 3.11 (an hour early) and 09:00-06:00, rightly, on 3.12.
"""

import sys


def mend_pendulum() -> None:
    """Put back the name in pendulum 3 that Prefect 1's cron schedules need; safe to call again."""
    if sys.version_info < (3, 12):
        return
    import pendulum.tz
    from pendulum.tz.timezone import PendulumTimezone

    vars(pendulum.tz).setdefault("_Timezone", PendulumTimezone)
