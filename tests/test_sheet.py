"""The contact sheet that find writes, where there is Jinja2."""

import base64
import errno
import html
import importlib.util
import io
import re
from itertools import pairwise
from typing import Any

import pytest
from conftest import CHROMIUM, Library
from made_pictures import CAT, encoded, photo
from PIL import Image
from stand_in import SHEET
from test_review_page import complaints_of

from actions import find_sheet
from extras.review import sheet

pytestmark = pytest.mark.sheet


def sheet_of(library: Library) -> str:
    return (library.output / "report.html").read_text("utf-8")


def test_find_writes_a_sheet_of_all_groups_and_names_it(library: Library) -> None:
    ran = library.find()
    assert f"All at a glance: {library.output / 'report.html'}" in ran.out
    text = sheet_of(library)
    assert re.findall(r"<h2>(Group .*)</h2>", text) == ["Group 1", "Group 2"]
    assert text.count("<img ") == 5
    assert text.count("suggested to keep</small>") == 1
    assert "Suggested to keep: <b>vacation1.jpg</b>, least compressed." in text
    assert text.count("could go: more compressed beside vacation1.jpg") == 2
    alike = re.findall(r' title="\d+ bits, correlation [\d.]+">(?:nearly|much) the same as ', text)
    assert len(alike) == 3
    assert "No suggestion: different pictures" in text
    for data in re.findall(r"base64,([^\"]+)", text):
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert (image.format, max(image.size)) == ("JPEG", 200)


def test_it_is_shown_of_how_many_groups_a_sheet_is_drawn(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[tuple[object, ...]]()

    def bar(groups: Any, *given: object) -> Any:
        told.append(given)
        return groups

    monkeypatch.setattr(find_sheet, "bar", bar)
    library.find()
    assert told == [("Contact sheet", 2, " groups")]


def test_the_sheet_says_what_only_a_doomed_picture_knows(bare_library: Library) -> None:
    image = photo(CAT)
    image.save(bare_library.photos / "large.jpg", quality=95)
    small = image.resize((image.width // 2, image.height // 2))
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    exif.get_ifd(0x8769).update({0x9003: "2020:01:01 10:00:00", 0xA002: 451, 0xA003: 300})
    dated = encoded(small, "JPEG", quality=92, exif=exif)  # which says how large it was
    (bare_library.photos / "small.jpg").write_bytes(dated)
    bare_library.find()
    assert "only it has date taken: 2020-01-01 10:00:00, camera" in sheet_of(bare_library)


def test_two_finds_write_the_same_sheet(library: Library) -> None:
    library.find()
    first = sheet_of(library)
    library.find()
    assert sheet_of(library) == first


def test_the_sheet_links_to_the_copies_and_loads_nothing(library: Library) -> None:
    library.add("a #1 %.jpg", "2023/portrait.jpg")
    library.add("a #2 %.jpg", "2023/portrait.jpg", quality=60)
    library.find()
    text = sheet_of(library)
    links = re.findall(r'href="([^#"][^"]*)"', text)
    assert len(links) == 7
    assert all(re.fullmatch(r"\d+/[\w.%-]+", link) for link in links)
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "http:" not in text


def test_a_name_that_looks_like_markup_is_text(bare_library: Library) -> None:
    bare_library.add("<script>alert(1)</script>&\udcff.jpg".replace("/", "_"))
    bare_library.add("b.jpg", quality=70)
    bare_library.find()
    text = sheet_of(bare_library)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;_script&gt;&amp;\\xff.jpg" in text


def test_of_many_groups_the_first_are_shown(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MOST_PICTURES", 4)
    library.find()
    text = sheet_of(library)
    assert re.findall(r"<h2>(Group .*)</h2>", text) == ["Group 1"]
    assert "Shown are the first 1" in text


def test_no_more_is_shown_than_a_browser_can_hold(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MOST_BYTES", 1)
    library.find()
    text = sheet_of(library)
    assert re.findall(r"<h2>(Group .*)</h2>", text) == ["Group 1"]
    assert "Shown are the first 1" in text


def test_an_index_leads_to_the_groups_that_free_most_and_then_to_the_rest(
    library: Library,
) -> None:
    library.add("a/z.jpg", "2023/portrait.jpg")
    library.add("b/z.jpg", "2023/portrait.jpg", quality=95)
    library.find()
    text = sheet_of(library)
    gaining, left = text.split('<div class="part">')[1:]
    left = left.partition("</nav>")[0]
    assert "<h2>To gain by the suggestions: 114 kB in 2 groups</h2>" in gaining
    assert "<h2>Left to you, by their size: 1 group</h2>" in left
    assert "<details" not in text
    groups = re.findall(r'href="#(group-\d)"', gaining)
    assert sorted(groups + re.findall(r'href="#(group-\d)"', left)) == [
        f"group-{number}" for number in (1, 2, 3)
    ]
    assert all(f'<section id="{group}">' in text for group in groups)
    amounts = re.findall(r'"amount">([\d.]+) kB', gaining)
    assert all(float(more) >= float(less) for more, less in pairwise(amounts))


def test_a_long_index_shows_what_frees_most_and_opens_to_the_rest(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add("a/z.jpg", "2023/portrait.jpg")
    library.add("b/z.jpg", "2023/portrait.jpg", quality=95)
    monkeypatch.setattr(sheet, "MOST_LISTED", 1)
    library.find()
    first, rest = sheet_of(library).partition("<details>")[::2]
    assert first.count('href="#group-') == 1
    assert rest.startswith("\n<summary>1 group more</summary>")
    assert rest.partition("</details>")[0].count('href="#group-') == 1


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser; run apt-get install chromium")
@pytest.mark.parametrize(("width", "columns"), [(390, 2), (1400, 3)])
def test_the_sheet_is_as_wide_as_the_screen_and_its_index_leads_there(
    library: Library, browser: Any, width: int, columns: int
) -> None:
    library.find()
    page = browser.new_page(viewport={"width": width, "height": 300})
    page.goto((library.output / "report.html").as_uri())
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    places = [card.bounding_box() for card in page.locator("#group-1 li").all()]
    assert sum(place["y"] == places[0]["y"] for place in places) == columns
    lines = """one => {
      one.textContent = "group 1000"; // as many as a sheet may have
      const words = document.createRange();
      words.selectNodeContents(one);
      return words.getClientRects().length;
    }"""
    assert page.locator("#index .which").first.evaluate(lines) == 1
    page.click("#index a[href='#group-2']")
    top = page.locator("#group-2 h2").bounding_box()["y"]
    assert -1 <= top < 150
    assert page.locator("#group-2 img").first.evaluate("image => image.naturalWidth") == 200
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert complaints_of(page, scheme) == []
    page.close()


@pytest.mark.parametrize("trouble", ["Ctrl-C", "a full disk", "a file of the person"])
def test_a_person_can_begin_before_the_sheet_is_drawn(
    library: Library, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Nothing that happens meanwhile takes the result from them, or stops the next find."""
    report, seen = library.output / "report.html", []

    def draw(*_: object, **__: object) -> str:
        seen.append((library.output / "info.txt").exists() and len(library.info()))
        if trouble == "Ctrl-C":
            raise KeyboardInterrupt
        if trouble == "a full disk":
            raise OSError(errno.ENOSPC, "No space left on device", str(report))
        report.write_text("mine")
        return SHEET

    with monkeypatch.context() as drawing:
        drawing.setattr(sheet, "contact_sheet", draw)
        ran = library.run("find")
    assert (ran.code, seen) == (130 if trouble == "Ctrl-C" else 1, [5])
    assert "result is whole" in ran.out or "no file of ours" in ran.out
    assert report.exists() == (trouble == "a file of the person")
    report.unlink(missing_ok=True)
    assert library.find().code == 0
    assert "Group 1" in sheet_of(library)


def test_no_sheet_is_drawn_where_none_is_wanted(library: Library) -> None:
    ran = library.find("--no-report")
    assert not (library.output / "report.html").exists()
    assert "report.html" not in ran.out


@pytest.mark.parametrize("missing", ["jinja2", "extras"])
def test_find_works_without_it(
    library: Library, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name)
    )
    ran = library.find()
    assert not (library.output / "report.html").exists()
    told = (
        "For a contact sheet (report.html) run pip install -r extras/requirements.txt.\n" in ran.out
    )
    assert told == (missing == "jinja2")


def test_without_groups_there_is_no_sheet(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    bare_library.find()
    assert not (bare_library.output / "report.html").exists()


def test_a_damaged_file_is_called_so_on_the_sheet_and_by_suggest(bare_library: Library) -> None:
    whole = bare_library.add("whole.jpg")
    content = whole.read_bytes()
    (bare_library.photos / "cut.jpg").write_bytes(content[: len(content) * 7 // 10])
    bare_library.find()
    reason = "one is damaged and can't be compared with the rest: look yourself"
    assert f"No suggestion: {reason}." in html.unescape(sheet_of(bare_library))
    assert sheet_of(bare_library).count("<small>damaged: ") == 1
    ran = bare_library.run("suggest")
    assert f"\n  1: {reason}\n    {bare_library.photos / 'cut.jpg'} (damaged: " in ran.out
    assert ran.out.count("(damaged: ") == 1
    [left] = bare_library.run("suggest", "--json").facts["undecided"]
    assert left["damaged"] == [str(bare_library.photos / "cut.jpg")]


def test_copies_of_one_name_are_told_apart_by_their_folders(bare_library: Library) -> None:
    bare_library.add("2019 Wedding/IMG_1.jpg")
    bare_library.add("DCIM/100/IMG_1.jpg", quality=60)
    bare_library.add("old/DCIM/100/IMG_1.jpg", quality=50)
    bare_library.add("other.jpg", quality=40)
    bare_library.find()
    text = html.unescape(sheet_of(bare_library))
    assert "Suggested to keep: <b>2019 Wedding/IMG_1.jpg</b>, " in text
    assert text.count(" beside 2019 Wedding/IMG_1.jpg<") == 3
    photos = f"{bare_library.photos.name}/DCIM/100/IMG_1.jpg"
    names = {"2019 Wedding/IMG_1.jpg", photos, "old/DCIM/100/IMG_1.jpg", "other.jpg"}
    assert set(re.findall(r"\n?<b>([^<]*)</b></a>", text)) == names
