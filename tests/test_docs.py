"""README.md and docs/: every command in them runs and says what is shown, and the text is plain."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT, SAMPLES, Library, picture
from made_library import jpeg
from options_page import page as options_page

import main
from actions import configuration, find, find_summary

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
MOST_LINES, MOST_WORDS, MOST_WORDS_OF_DOCS = 150, 25, 30
PROGRAM = "python main.py "
# What can't be done here is understood at least; what says so, and which test does it.
NOT_DONE = {
    "--action review": "waits for a person; tests/test_review.py",
    "--method both": "needs a network; tests/test_embeddings.py",
    "--engine dask": "starts a cluster; tests/test_cluster.py",
    "--work s3://": "asks an object store; tests/test_objects_cleanup.py",
}
NOT_OURS = {
    "python3 -m venv": ".ci/run",
    "pipx install": "tests/test_package.py",
    "systemctl --user": "needs systemd",
    "journalctl --user": "needs systemd",
    "eval": "tests/test_package.py",
    "uvx --from": "tests/test_package.py",
    "ssh -N -L": "needs another machine; tests/test_review_touch.py",
    "aws s3api": "asks an object store; tests/test_objects_cleanup.py",
    "python -m dask": "starts a cluster; tests/test_cluster_apart.py",
    "python extras/to_onnx.py": "needs PyTorch; tests/test_to_onnx.py",
}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# ---- The text


def sentences(page: Path) -> Iterator[str]:
    """What a page says, without blocks, tables, headings, pictures and addresses."""
    text = re.sub(r"^```.*?^```$", "\n\n", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^[|#!].*$", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    for part in re.split(r"\n\s*\n|^\s*(?:-|\d\.) ", text, flags=re.MULTILINE):
        yield from re.split(r"(?<=[.?!:])\**\s+", " ".join(part.split()))


def test_the_readme_is_short_and_so_are_its_sentences() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MOST_LINES
    said = [sentence for sentence in sentences(README) if sentence]
    assert len(said) > 40
    assert [sentence for sentence in said if len(sentence.split()) > MOST_WORDS] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_sentence_of_the_docs_is_long(page: Path) -> None:
    long = [one for one in sentences(page) if len(one.split()) > MOST_WORDS_OF_DOCS]
    assert long == []


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md", *PAGES], ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), link
            assert not anchor or anchor in anchors(there), link


def test_the_readme_leads_to_every_page() -> None:
    links = re.findall(r"\]\((docs/[\w-]+\.md)", README.read_text("utf-8"))
    assert set(links) == set(map(named, PAGES))


def test_the_page_of_options_is_made_of_their_tables() -> None:
    page = (ROOT / "docs/options.md").read_text("utf-8")
    assert page == options_page(), "run python tests/options_page.py"


# ---- Where the commands are typed


def encoded(path: Path | str) -> str:
    """A path as it begins the name of a copy."""
    return str(path).strip("/").replace("/", "_")


class Desk:
    """The folders that a page names, with photos in them, for a user without extras' packages."""

    def __init__(self, library: Library, trash: Path) -> None:
        self.library = library
        self.home = library.folder
        self.shown = {  # those within others first
            "/home/me/.local/share/Trash": trash,
            "/photos": library.photos,
            "/output": library.output,
            "/media/old-disk": self.home / "old-disk",
            "/home/me": self.home,
            "~": self.home,
        }
        shutil.copytree(SAMPLES, self.home / "tests/samples")
        for folder in ("old-disk", "Pictures"):
            (self.home / folder).mkdir()
            shutil.copy(SAMPLES / "2024/cat.jpg", self.home / folder)

    def typed(self, command: str) -> str:
        """A command of a page, with folders that are there."""
        for shown, there in self.shown.items():
            command = re.sub(rf"(?<![\w.]){shown}(?=/|\s|$)", str(there), command)
        return command.replace("/photos_", f"/{encoded(self.library.photos)}_")

    def as_shown(self, said: str) -> list[str]:
        """The lines that were said, with the folders that the page names and no date."""
        for shown, there in self.shown.items():
            said = said.replace(f"{there}", shown)
            said = said.replace(encoded(there), encoded(shown))
        return re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "DATE", said).splitlines()

    def run(self, command: str) -> str:
        """What a command says on stdout; it may have kept something."""
        typed, _, into = self.typed(command.partition("  #")[0]).partition(" > ")
        if not typed.startswith(PROGRAM):
            return self.run_other(typed)
        ran = self.library.run_exactly(*shlex.split(typed.removeprefix(PROGRAM)))
        assert ran.code in (0, 1), ran
        assert ran.err == "" or into, ran
        if into:
            Path(into).write_text(ran.out, "utf-8")
        return ran.out

    def run_other(self, typed: str) -> str:
        if typed.startswith("rsync") and not shutil.which("rsync"):
            return ""
        command = ["bash", "-c", typed]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return "  ".join(ran.stdout.splitlines()) if typed.startswith("ls ") else ran.stdout


# ---- What is there when a page's commands are typed


def vacation(desk: Desk) -> None:
    for name, quality in (("vacation1", 0), ("vacation1_copy", 70), ("vacation1_old", 40)):
        desk.library.add(f"{name}.jpg", "2024/coffee.jpg", quality)


def after_a_cleanup(desk: Desk) -> None:
    vacation(desk)
    desk.library.find()
    desk.library.delete_copies("vacation1_copy.jpg", "vacation1_old.jpg")
    assert desk.library.check().code == 0
    assert desk.library.cleanup("--delete-mode", "trash").code == 0


def two_months(desk: Desk) -> None:
    """Seven groups in the result; and Pictures, of which Duplicates shows the first month."""
    for number in range(14):
        desk.library.add(f"{number}.jpg").write_bytes(jpeg(number // 2, 92 - number % 2))
    desk.library.find()
    pictures = desk.home / "Pictures"
    (pictures / "cat.jpg").unlink()
    flags = ("--input-dir", str(pictures), "--output-dir", str(desk.home / "Duplicates"))
    add_pairs(pictures, "2023/launch", "2023/portrait", "2024/coffee")
    for folder in ("2024", "Backup/2024"):
        add(pictures / folder / "cat.jpg", "2024/cat")
    groups = desk.library.find(*flags, "--json").facts["groups"]
    kept = [str(n) for n, group in enumerate(groups, 1) if re.search("cat|coffee", group[0])]
    assert desk.library.run("keep", *kept, *flags).code == 0
    add_pairs(pictures, "2023/stars")
    add(pictures / "Best of 2024" / "cat.jpg", "2024/cat", quality=90)


def add_pairs(folder: Path, *samples: str) -> None:
    for sample in samples:
        add(folder / f"{sample}.jpg", sample)
        add(folder / f"{sample}_sent.jpg", sample, quality=60)


def add(path: Path, sample: str, quality: int = 0) -> None:
    """Put a photo there that is old enough to be known by its time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(f"{sample}.jpg", quality))
    os.utime(path, (1_700_000_000, 1_700_000_000))


def a_broken_photo(desk: Desk) -> None:
    (desk.home / "tests/samples/broken.jpg").write_bytes(b"broken")


SCENES: dict[str, Callable[[Desk], None]] = {
    "README.md": vacation,
    "docs/promises.md": after_a_cleanup,
    "docs/side-by-side.md": two_months,
    "docs/large-libraries.md": a_broken_photo,
}


# ---- The commands


@pytest.fixture
def desk(bare_library: Library, data_home: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """As in a clone, at a time when no package of extras/ draws a contact sheet."""
    monkeypatch.chdir(bare_library.folder)
    monkeypatch.setenv("HOME", str(bare_library.folder))
    monkeypatch.setattr(configuration, "PROGRAM", str(bare_library.folder))
    monkeypatch.setattr(find_summary, "has_extra", lambda _: False)
    monkeypatch.setattr(find, "sheets", lambda *_: lambda _: "")
    return Desk(bare_library, data_home / "Trash")


def commands(page: Path) -> Iterator[tuple[str, list[str] | None]]:
    """What is typed on a page, and where it is shown what is said."""
    text = page.read_text("utf-8")
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if kind:  # a file in which a command stands
            yield from ((f"python {line}", None) for line in re.findall(r"main\.py[^>\n]*", block))
        elif block.startswith("$ "):
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, *said = step.strip().splitlines()
                yield command, said
        else:
            yield from ((line, None) for line in block.splitlines())


def check_installs(words: list[str]) -> None:
    """What pip is told to install is a file of ours, this with extras, or packages."""
    assert words[:2] == ["pip", "install"]
    assert words[2] != "-r" or (ROOT / words[3]).exists()
    if words[2].startswith("."):
        assert f"\n{words[2].strip('.[]')} = [" in (ROOT / "pyproject.toml").read_text("utf-8")


def understood(words: list[str], library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the program read a command line, and do nothing."""
    with monkeypatch.context() as patched:
        patched.setattr(main, "module_of", lambda _: SimpleNamespace(run=lambda *_: None))
        assert library.run_exactly(*words).code == 0


@pytest.mark.parametrize("page", [README, *PAGES], ids=named)
def test_every_command_does_what_is_shown(
    page: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    SCENES.get(named(page), lambda _: None)(desk)
    for command, shown in commands(page):
        words = shlex.split(command, comments=True)
        if words[0] == "pip":
            check_installs(words)
        elif any(some in command for some in NOT_DONE):
            understood(words[2:], desk.library, monkeypatch)
        elif not command.startswith(tuple(NOT_OURS)):
            check_said(desk, desk.as_shown(desk.run(command)), shown)


def check_said(desk: Desk, said: list[str], shown: list[str] | None) -> None:
    """What is shown was said, but for what a person answers; dots stand for the rest."""
    if shown is not None:
        asked = [line for line in shown if not line.endswith("[y/N] y")]
        end = asked.index("...") if "..." in asked else len(asked)
        assert desk.as_shown("\n".join(asked[:end])) == said[: end or None]
