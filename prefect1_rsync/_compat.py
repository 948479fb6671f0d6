"""Mends what no bound in setup.py can: Prefect 1.4.1 on Python 3.12 and later.

Prefect 1 was written for pendulum 2, which can't be installed there. In pendulum 3 one name is
missing: `prefect.schedules.clocks.CronClock` asserts `isinstance(..., pendulum.tz._Timezone)`, so
that every CronSchedule raises AttributeError. `mend_pendulum` puts the name back, for the class of
all pendulum 3 time zones, which is what it stood for in pendulum 2.

One difference stays, on purpose: a cron in the hour that autumn repeats. It fires once either way,
but pendulum 2 chooses the second pass and pendulum 3 the first, which is the one that CronClock's
docstring promises. "0 * * * *" in Europe/Berlin on 25 October 2026:

    Python 3.11, pendulum 2.1.2    01:00+02:00  02:00+01:00  03:00+01:00
    Python 3.12, pendulum 3.3.0    01:00+02:00  02:00+02:00  03:00+01:00

Below 3.12 one thing stays broken that no bound mends: pendulum 2 brings its own time zone rules,
of 2020 (pytzdata). A cron at 9 in America/Mexico_City, which gave up summer time in 2022, fires in
July 2026 at 09:00-05:00 on Python 3.11, an hour early, and at 09:00-06:00 on 3.12.
"""

import sys


def mend_pendulum() -> None:
    """
    Put back the name in pendulum 3 that Prefect 1's cron schedules need; safe to call again.

    Where there is no pendulum there is no Prefect, and nothing to mend: the engine and the vendors'
    clients work without both.
    """
    if sys.version_info >= (3, 12):
        try:
            import pendulum.tz
        except ImportError:
            return
        from pendulum.tz.timezone import PendulumTimezone

        vars(pendulum.tz).setdefault("_Timezone", PendulumTimezone)
