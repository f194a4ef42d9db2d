"""Measure how long a person waits on the review page: milliseconds from a key to the pictures.

    python tests/benchmarks/page_wait.py PHOTOS

Of the largest photos groups are made: as it is, saved anew, of half the side, and made brighter. A
real review serves them to Chromium, which is sent keys; a group is looked at for a second, or for
no time at all. What is timed ends with the frame in which each pane shows its picture: a thumbnail
that stands for it, or the one of 1,600 pixels. The panes are then compared with the files. How busy
the machine is changes these; the processor time of the page's thread for a key does not hang on it.
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from accuracy import PRODUCT, table
from PIL import Image, ImageEnhance, ImageOps

FLAGS = ("--no-sandbox", "--headless", "--disable-gpu")
LEAST_PIXELS = 2_000_000
LOOKS = {"after a second with each group": 1000, "one key after the other": 0}  # milliseconds
LIKE = 0.9  # correlation of a pane with the file that it shows
SIDE = 24  # pixels of what is compared
# Of each key: when all panes show something, and when all show their preview.
WATCH = """() => {
  addEventListener('keydown', ({timeStamp, key}) => {
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
    const one = {first: null, whole: null}, before = document.title;
    window.waits.push(one);
    const seen = pane => [...pane.querySelectorAll('img, canvas')].filter(
      node => node.style.visibility !== 'hidden');
    const isWhole = node => node.naturalWidth > 0;
    const look = () => {
      const panes = [...document.querySelectorAll('.pane')].map(seen), now = performance.now();
      const isThere = document.title !== before && panes.length > 1;
      const isSomething = node => isWhole(node) || node.tagName === 'CANVAS';
      if (one.first === null && isThere && panes.every(nodes => nodes.some(isSomething))) {
        one.first = now - timeStamp;
      }
      if (isThere && panes.every(nodes => nodes.every(isWhole))) one.whole = now - timeStamp;
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, true);
}"""
UNTIL_WHOLE = """async () => {
  while (window.waits.at(-1).whole === null) await new Promise(done => setTimeout(done, 10));
}"""
PANES = """() => [...document.querySelectorAll('.pane')].map(pane => {
  const room = pane.getBoundingClientRect();
  const box = pane.querySelector('img').getBoundingClientRect();
  return {letter: pane.querySelector('.letter').textContent[0],
          box: [box.left, box.top, box.right, box.bottom],
          room: [room.left, room.top, room.right, room.bottom]};
})"""
PATHS = "() => [...document.querySelectorAll('td.path')].map(cell => cell.title || cell.innerText)"


@dataclass(frozen=True)
class Waits:
    """What was waited for pictures, in milliseconds, and the panes that showed another one."""

    first: list[float]
    whole: list[float]
    work: list[float]  # of processor time of the page's thread
    wrong: int
    panes: int


def make_groups(photos: Path, folder: Path, groups: int) -> None:
    """Put groups of some photos and their edits into a folder."""
    large = sorted(photos.rglob("*.jpg"), key=lambda path: (-path.stat().st_size, path))
    made = 0
    for path in large:
        with Image.open(path) as opened:
            if opened.width * opened.height < LEAST_PIXELS:
                continue
            image = opened.convert("RGB")
        shutil.copy(path, folder / f"{made:02}a.jpg")
        image.save(folder / f"{made:02}b.jpg", quality=70)
        image.resize((image.width // 2, image.height // 2)).save(folder / f"{made:02}c.jpg")
        ImageEnhance.Brightness(image).enhance(1.1).save(folder / f"{made:02}d.jpg", quality=88)
        made += 1
        if made == groups:
            return
    raise SystemExit(f"{photos} has {made} photos of 2 megapixels and more; {groups} are wanted.")


@contextlib.contextmanager
def review(places: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a review of some photos, which ends it."""
    run = [sys.executable, "main.py", "--action"]
    options = {"cwd": PRODUCT.parent, "env": environment, "text": True}
    subprocess.run([*run, "find", *places, "--quiet"], check=True, **options)
    command = [*run, "review", *places, "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    try:
        assert process.stdout
        said = iter(process.stdout.readline, "")
        yield next(found[0] for line in said if (found := re.search(r"http://\S+", line)))
    finally:
        process.terminate()
        process.communicate()


def waits_on(page: Any, groups: int, look: int) -> Waits:
    """What is waited from group to group, down and up again."""
    page.keyboard.press("Enter")
    page.wait_for_selector(".pane img")
    page.wait_for_timeout(3000)
    page.evaluate("window.waits = []")
    clock, work = page.context.new_cdp_session(page), list[float]()
    clock.send("Performance.enable", {"timeDomain": "threadTicks"})
    wrong = panes = 0
    for key in [*["ArrowDown"] * (groups - 1), *["ArrowUp"] * (groups - 1)]:
        before = thread_time(clock)
        page.keyboard.press(key)
        page.evaluate(UNTIL_WHOLE)
        work.append(thread_time(clock) - before)
        page.wait_for_timeout(look)
        if look:
            page.wait_for_selector("td.path")  # the facts have come, too
            shown = page.evaluate(PANES)
            panes += len(shown)
            wrong += wrong_panes(page, shown)
    waits = page.evaluate("window.waits")
    page.keyboard.press("Escape")
    page.wait_for_selector(".tile:focus")
    first, whole = ([one[kind] for one in waits] for kind in ("first", "whole"))
    return Waits(first, whole, work, wrong, panes)


def thread_time(clock: Any) -> float:
    """The milliseconds of processor time that the page's thread has taken."""
    metrics = clock.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "ThreadTime")


def wrong_panes(page: Any, panes: Sequence[Mapping[str, Any]]) -> int:
    """How many panes don't show the file of their letter."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("L")
    paths = page.evaluate(PATHS)
    return sum(not is_shown(image, pane, paths) for pane in panes)


def is_shown(screen: Image.Image, pane: Mapping[str, Any], paths: Sequence[str]) -> bool:
    """Whether the pixels of a pane are those of its file, where they are seen."""
    left, top, right, bottom = pane["box"]
    seen = (
        max(left, pane["room"][0]),
        max(top, pane["room"][1]),
        min(right, pane["room"][2]),
        min(bottom, pane["room"][3]),
    )
    path = paths[ascii_uppercase.index(pane["letter"])]
    with Image.open(path) as given:
        opened = ImageOps.exif_transpose(given)
        across, down = opened.width / (right - left), opened.height / (bottom - top)
        part = [
            (seen[0] - left) * across,
            (seen[1] - top) * down,
            (seen[2] - left) * across,
            (seen[3] - top) * down,
        ]
        file = opened.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX, box=part)
    shown = screen.crop([round(edge) for edge in seen]).resize((SIDE, SIDE), Image.Resampling.BOX)
    both = [np.asarray(one, float).ravel() for one in (file, shown)]
    alike = float(np.corrcoef(*both)[0, 1])
    if alike <= LIKE:
        print(f"The pane of {path} correlates by {alike:.2f} with it.")
    return alike > LIKE


def row(name: str, waits: Sequence[float]) -> tuple[str, ...]:
    found = (np.median(waits), np.percentile(waits, 90), max(waits))
    return (name, *(f"{one:.0f}" for one in found), f"{len(waits)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "photos", type=Path, help="a folder of photos, some of 2 megapixels or more"
    )
    parser.add_argument("--groups", type=int, default=15, metavar="N")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        homes = ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
        environment = {**os.environ, **dict.fromkeys(homes, folder), "PYTHONUNBUFFERED": "1"}
        photos = Path(folder, "photos")
        photos.mkdir()
        make_groups(arguments.photos, photos, arguments.groups)
        places = ["--input-dir", str(photos), "--output-dir", f"{folder}/output"]
        with review(places, environment) as address:
            started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
            page = started.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address)
            page.wait_for_selector(".tile:focus")
            page.wait_for_selector("#judging", state="hidden", timeout=600_000)
            page.wait_for_timeout(3000)
            groups = page.locator(".tile").count()
            page.evaluate(WATCH)
            for name, look in LOOKS.items():
                waits = waits_on(page, groups, look)
                rows.append(row(f"{name}: something in each pane", waits.first))
                rows.append(row(f"{name}: the preview in each pane", waits.whole))
                rows.append(row(f"{name}: processor time of the page's thread", waits.work))
                if look:
                    print(f"{waits.wrong} of {waits.panes} panes showed another picture.")
            started.close()
    print(f"Load before the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    print(table(["milliseconds from the key", "median", "90 %", "most", "keys"], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
