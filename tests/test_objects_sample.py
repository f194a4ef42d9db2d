"""A sample of objects as people look at it: its report.html, and the page of --action review."""

import contextlib
from pathlib import Path

import pytest
import test_objects
import test_review_page
from conftest import Library
from test_objects import find, rows
from test_review import commands

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")

from disk.result import Result, open_result
from extras.review import desk
from extras.review.desk import Desk
from extras.review.examiner import Examiner

open_page = test_review_page.open_page
photos, store = test_objects.photos, test_objects.store


@pytest.mark.workers
@pytest.mark.sheet
def test_the_report_of_a_sample_shows_its_pictures_by_their_urls_and_judges_them(
    library: Library, photos: str
) -> None:
    pytest.importorskip("jinja2", reason="pip install -r extras/requirements.txt")
    assert find(library, photos, "--sample", "1").code == 1
    report = (library.output / "report.html").read_text("utf-8")
    urls = [row["url"] for row in rows(library, "groups") if row["group"] == 1]
    assert len(urls) >= 2
    assert report.count("data:image/jpeg;base64,") == len(urls)
    for url in urls:
        assert f"<small>{url}</small>" in report
    assert ("/s3:/" in report, "gone" in report) == (False, False)
    assert report.count("suggested to keep") == 1
    assert "could go: " in report
    assert find(library, photos, "--sample", "1", "--protect", photos).code == 1
    report = (library.output / "report.html").read_text("utf-8")
    assert (report.count("data:image/jpeg;base64,"), "could go: " in report) == (len(urls), False)


@pytest.mark.workers
def test_the_page_of_a_sample_looks_for_no_original_and_decides_nothing(
    library: Library, photos: str
) -> None:
    """A path tells an object there, and nothing lies at that."""
    find(library, photos, "--sample", "1")
    sample = open_result(library.paths)
    assert isinstance(sample, Result)
    copies = sample.manifest.copies
    with contextlib.closing(Examiner(1)) as examiner:
        found = Desk(sample, examiner)
        assert [found.shown(copy.original.path) for copy in copies] == [
            row["url"] for row in rows(library, "groups") if row["group"] == 1
        ]
        suggested = found.suggestion(1)
        assert suggested.keeper is not None
        removal = suggested.removals[0]
        orders = [desk.Order(removal.number, removal.keeper, by_rule=True)]
        assert [deed.refused for deed in found.change(orders)] == [desk.TO_LOOK_AT]
        assert found.decide(1, keep=True) == desk.TO_LOOK_AT
        assert {*found.states()} == {desk.THERE}
        Path(copies[removal.number].copy).unlink()
        assert found.states()[removal.number] == desk.GONE  # and not its original
        (deed,) = found.change([], [removal.number])
        assert deed.refused == desk.TO_LOOK_AT
    told = commands(library)
    by_work = f"--work {library.folder / 'work'}"
    for action in ("suggest", "check-deleted"):
        assert "--action suggest " in told[action]
        assert told[action].endswith(by_work)
    assert f"--engine dask {by_work} --input-dir {photos}" in told["find"]


@pytest.mark.workers
@test_review_page.pytestmark
def test_the_page_of_a_sample_says_what_it_is_and_how_to_go_on(
    library: Library, photos: str, open_page: test_review_page.Open
) -> None:
    find(library, photos, "--sample", "1")
    page = open_page(library)
    url = rows(library, "groups")[0]["url"]
    test_review_page.open_group(page, 1)
    assert url in page.content()
    page.click("#open-finish")
    page.wait_for_selector("#finish-command:visible")
    assert "a sample of objects" in page.inner_text("#finish-sum")
    suggest, cleanup = page.inner_text("#finish-command").splitlines()
    for action, command in {"suggest": suggest, "cleanup": cleanup}.items():
        assert f"--action {action} " in command
        assert command.endswith(f"--work {library.folder / 'work'}")
