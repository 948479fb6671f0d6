"""docs/migrate.md against the code: each row of its tables is tried."""

import re
from typing import List

import pytest
from click.testing import CliRunner

from prefect1_rsync.bridge.rewrite import LEFT, rewrite
from prefect1_rsync.cli import main
from tests.docs.pages import PAGES, ROOT, table

PAGE = ROOT / "docs" / "migrate.md"
IMPORTS = (
    "from prefect.tasks.airbyte import AirbyteConfigurationExport\n"
    "from prefect.tasks.airbyte import AirbyteConnectionTask\n"
    "from prefect.tasks.census import CensusSyncTask\n"
    "from prefect.tasks.hightouch import HightouchRunSync\n"
)


def bare(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.parametrize("row", table(PAGE, "before", "after"), ids=lambda row: bare(row[0]))
def test_what_becomes_of_the_arguments(row: List[str]) -> None:
    before, after = map(bare, row)
    # A task that is made has to be used, too.
    used = "" if ")(" in before else "()"
    new = rewrite(IMPORTS + before + used, "tasks").text.splitlines()[-1]
    assert new == after + used


@pytest.mark.parametrize(
    "row", table(PAGE, "with `--to tasks`", "what it says"), ids=lambda row: bare(row[0])
)
def test_what_is_left(row: List[str]) -> None:
    code, says = bare(row[0]), row[1]
    result = rewrite(IMPORTS + code, "tasks")
    assert result.text.splitlines()[-1] == code
    found = [each.text for each in result.findings if each.kind == LEFT and each.line == 5]
    assert any(text.endswith(says) for text in found), found


def test_the_exit_codes() -> None:
    assert [bare(row[0]) for row in table(PAGE, "exit code", "meaning")] == ["0", "1", "2"]


def test_no_page_and_no_error_sends_anyone_to_an_index() -> None:
    """The package is on none: `pip install 'prefect1-rsync[...]'` finds nothing."""
    texts = [*PAGES, *ROOT.glob("prefect1_rsync/**/*.py")]
    assert [path for path in texts if "prefect1-rsync[" in path.read_text(encoding="utf-8")] == []


def test_the_export_went_in_one_version() -> None:
    told = {
        version
        for path in (*PAGES, *ROOT.glob("prefect1_rsync/**/*.py"))
        for version in re.findall(
            r"(?:endpoint in|in version|since|before) (0\.40\.\d+)",
            path.read_text(encoding="utf-8"),
        )
    }
    assert told == {"0.40.5"}


def test_check_says_that_it_minds_what_is_left() -> None:
    shown = CliRunner().invoke(main, ["migrate", "--help"]).output
    assert "to change, or left to you" in " ".join(shown.split())


def test_every_option_is_in_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = CliRunner().invoke(main, ["migrate", "--help"]).output
    for option in ("--to", "--write", "--check"):
        assert option in text and option in shown
