"""The pictures of docs/ show the figures of the benchmarks as they stand."""

import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

from plots import PICTURES, README, Plot, Table, named, plots, tables

PAGE = """# One

| tool | found |
| --- | --- |
| ours | 1,000 |

## Two

| tool | found |
| --- | --- |
| ours | 0.5 |
"""
MOST_BYTES = 100_000


def test_a_table_is_known_by_its_heading() -> None:
    every = list(tables(PAGE))
    assert [table.under for table in every] == ["One", "Two"]
    assert named(every, "One", "tool", "found").value("ours", "found") == 1000
    assert named(every, "Two", "tool").column("found") == ["0.5"]
    with pytest.raises(SystemExit, match=r"no table tool \| lost under Two"):
        named(every, "Two", "tool", "lost")


def test_a_picture_is_another_one_where_a_figure_is() -> None:
    first, second = (
        Plot("a.svg", (Table("One", ("tool",), ((value,),)),), ("tool",)) for value in "ab"
    )
    assert first.digest != second.digest


@pytest.mark.parametrize("plot", plots(README.read_text("utf-8")), ids=lambda plot: plot.name)
def test_each_picture_is_of_the_tables_as_they_are(plot: Plot) -> None:
    drawn = (PICTURES / plot.name).read_text("utf-8")
    assert plot.digest in drawn, "run python tests/benchmarks/plots.py, which needs Matplotlib"


@pytest.mark.parametrize("path", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_each_picture_is_small_and_on_a_page(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    pages = [README, *(ROOT / "docs").glob("*.md")]
    assert any(f"pictures/{path.name})" in page.read_text("utf-8") for page in pages)
