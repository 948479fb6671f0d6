"""The pages as the tests read them: blocks with their directives, tables, headings, links."""

import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_COMMENT = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """
    A fenced block.

    Args:
        - page (Path): where
        - line (int): of its first line of code, from 1
        - language (str): the word after the fence
        - code (str): what is in it
        - directives (dict): the comments right above it, `<!-- name: text -->`
        - output (str, optional): the `text` block that follows it
    """

    page: Path
    line: int
    language: str
    code: str
    directives: Dict[str, str]
    output: Optional[str] = None

    @property
    def name(self) -> str:
        """For the test's id."""
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> List[Block]:
    """All fenced blocks of a page; a `text` block belongs to the block before it."""
    found: List[Block] = []
    directives: Dict[str, str] = {}
    language: Optional[str] = None
    code: List[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if language is not None:
            if line != "```":
                code.append(line + "\n")
                continue
            text = "".join(code)
            if language == "text" and found and found[-1].output is None and not directives:
                found[-1] = found[-1]._replace(output=text)
            else:
                found.append(Block(page, number - len(code), language, text, directives))
            language, code, directives = None, [], {}
        elif line.lstrip().startswith("```"):
            assert line.startswith("```"), f"{page.name}:{number}: a fence that is not at the left"
            language = line[3:]
        elif _COMMENT.fullmatch(line):
            name, text = _COMMENT.fullmatch(line).groups()  # type: ignore[union-attr]
            directives[name] = text or ""
        else:
            assert not directives, f"{page.name}:{number}: a directive without a block below it"
            assert "<!--" not in line, f"{page.name}:{number}: no directive"
    assert language is None, f"{page.name}: a block without an end"
    return found


def prose_of(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def tables_of(page: Path) -> List[List[List[str]]]:
    """The page's tables: rows of cells, the heading's row first."""
    tables: List[List[List[str]]] = []
    inside = False
    for line in prose_of(page).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not inside:
            tables.append([])
        inside = True
        if not all(set(cell) <= set("-:") and cell for cell in cells):
            tables[-1].append(cells)
    return tables


def table(page: Path, *heading: str) -> List[List[str]]:
    """The rows of the page's only table with this heading."""
    (found,) = [rows for rows in tables_of(page) if rows[0] == list(heading)]
    return found[1:]


def anchors_of(page: Path) -> List[str]:
    """What a link into the page may name, as code hosts derive it from the headings."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.M)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def links_of(page: Path) -> Iterator[str]:
    """All link targets of a page."""
    return iter(_LINK.findall(prose_of(page)))
