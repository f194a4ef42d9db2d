"""Change what is made of pictures a little, in many ways in turn; the golden test must fail.

python tests/golden_steps.py             all of them; exit code 1 if one isn't noticed
python tests/golden_steps.py --only TEXT those with this in their name, such as "FRAME_GAP"
python tests/golden_steps.py --jobs 2    so many at a time, each in a copy of the program
"""

import argparse
import os
import pickle
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / "made_pictures.pickle"  # in a copy
DIFFERS, SAME = 3, 0

# By module, what stands in it and what is to stand there instead. A name is that of a constant.
STEPS: dict[str, dict[str, tuple[str, ...]]] = {
    "bandpass.py": {
        "FINE": ("0.6", "0.8"),
        "COARSE": ("3.5", "4.5"),
        "NOISE_LEVELS": ("1.8", "2.2"),
        "DETAIL_SHARE": ("0.13", "0.17"),
        "centres - 3 * width + 0.5": ("centres - 2 * width + 0.5",),
        "np.sinc(distance / 3)": ("np.sinc(distance / 2)",),
        "_without_slope(picture)[None]": ("picture[None].astype(np.float32)",),
        "int(4 * deviation + 0.5)": ("int(1 * deviation + 0.5)",),
    },
    "decode.py": {
        "DECODED_SIDE": ("240", "260", "300", "320"),
        "REDUCED_SIDE": ("480", "544"),
        "MAX_SCALED_PIXELS": ("990_000_000", "1_010_000_000"),
        "MAX_DECODED_BYTES": ("590_000_000", "610_000_000"),
        '("1", "L", "P"), (3, 8)': ('("1", "L", "P"), (4, 8)', '("1", "L", "P"), (3, 9)'),
        '"YCbCr"), (6, 11)': ('"YCbCr"), (7, 11)', '"YCbCr"), (6, 10)'),
        '"HSV"), (9, 12)': ('"HSV"), (10, 12)', '"HSV"), (9, 11)'),
        '"I;16N"), (10, 10)': ('"I;16N"), (11, 10)', '"I;16N"), (10, 9)'),
        "BYTES_OF_NUMBERS": ("(13, 14)", "(14, 13)"),
        "BYTES_OF_TRANSPARENCY": ("(11, 16)", "(10, 15)"),
        "PLAIN_BYTES": ('{"L": 1, "RGB": 3, "YCbCr": 3, "CMYK": 4}',),
        "2 * STANDARD_SIDE": ("3 * STANDARD_SIDE", "STANDARD_SIDE"),
        'image.format != "MPO" and': ("",),
        '"adobe_transform"] == 0': ('"adobe_transform"] == 1',),
        '== b"RGB"': ('== b"RGBX"',),
    },
    "fingerprint.py": {
        "LEAST_SQUARES": ("2.3", "2.7"),
        "UNSURE_REACH": ("0.15", "0.25"),
        "UNSURE_SHARE": ("0.04", "0.06"),
        "LEAST_SEEN": ("3", "5", "6"),
        "box, reducing_gap=2.0": ("box, reducing_gap=3.0", "box"),
        "Resampling.BILINEAR, reducing_gap=2.0": ("Resampling.BILINEAR, reducing_gap=1.0",),
        'np.pad(pixels, (rows, (0, 0)), "symmetric")': (
            'np.pad(pixels, (rows, (0, 0)), "reflect")',
        ),
        "page = page or is_page": ("page = is_page",),
    },
    "frames.py": {
        "FRAME_TOLERANCE": ("3", "5"),
        "FRAME_SHARE": ("0.87", "0.89", "0.91", "0.93"),
        "FRAME_GAP": ("2", "4"),
        "LEAST_CONTENT_SIDE": ("0.13", "0.14", "0.16", "0.17", "0.3"),
        "MOST_CONTENT": ("0.93", "0.94", "0.96", "0.97", "0.99"),
        "in range(2)": ("in range(1)",),
        "EDGE": ("5", "8"),
        "CALM": ("3", "5"),
        "EDGE_SHARE": ("0.47", "0.53"),
        "blurred_frame_box(gray) or": ("",),
    },
    "looks.py": {
        "LARGE_SIDE": ("144",),
        "COLOUR_SIDE": ("8",),
        "STANDARD_SIDE": ("960", "1088"),
    },
    "modes.py": {
        "BLANK_DEVIATION": ("1.8", "2.2"),
        "BLANK_LEVELS": ("3", "5"),
        "BLANK_LEVELS * 257": ("3 * 257", "5 * 257"),
        "spread[0] < BLANK_DEVIATION": ("spread[0] < 1.8", "spread[0] < 2.2"),
    },
    "pages.py": {
        "TONE_TOLERANCE": ("3", "8"),
        "LEAST_TONES": ("0.6",),
        "SHARP": ("0.2", "0.3"),
        "FLAT": ("0.005", "0.03"),
        "PAGE_SUM": ("1.1", "1.26"),
        "PAPER_TONE": ("130", "200"),
        "PAPER_TOLERANCE": ("9", "15"),
        "PAPER_FLAT": ("0.03", "0.05"),
        "PAPER_SHARP": ("0.4", "0.5"),
    },
    "recipe.py": {
        "LARGEST_SAME_DECODE": ("330",),
    },
    "salvage.py": {
        "SAMPLES": ("128", "224", "288", "512"),
        "ENDS_OF_ROWS": ("3", "5"),
        "PASSES": ("2", "4"),
        "LACKING": ("0.03", "0.05"),
        "MOST_MISSING": ("60 << 20", "68 << 20"),
        r'b"\0", bytes(7) + b"\1", b"\1", b" "': (r'b"\0", b" "', r'b"\0", b"\1", b" "'),
        "JPEG_END_BYTES": ("0",),
        "SOMETHING_ELSE": ("bytes(0)",),
        "SIXTEENTHS * rows < len(differs)": ("rows < 0",),
    },
}


class Step(NamedTuple):
    """A change of a module that is as small as somebody may make it."""

    module: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.module}: {self.old} -> {self.new}"

    def taken(self, source: str) -> str:
        """The module with the change."""
        if self.old.isupper() and self.old.replace("_", "").isalpha():
            constant = re.compile(rf"^{self.old} = .*$", re.MULTILINE)
            changed, count = constant.subn(lambda _: f"{self.old} = {self.new}", source)
        else:
            changed, count = source.replace(self.old, self.new), source.count(self.old)
        assert count == 1, f"{self} is to be found {count} times"
        return changed


def steps() -> Iterator[Step]:
    for module, changes in STEPS.items():
        for old, values in changes.items():
            yield from (Step(module, old, new) for new in values)


def is_noticed(step: Step, folder: Path) -> bool:
    place = folder / "pictures" / step.module
    whole = place.read_text("utf-8")
    place.write_text(step.taken(whole), "utf-8")
    command = [sys.executable, str(folder / "tests" / Path(__file__).name), "--compare"]
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    try:
        ran = subprocess.run(command, env=quiet, capture_output=True, check=False)
        if ran.returncode not in (SAME, DIFFERS):
            print(step, "fails:", ran.stderr.decode().splitlines()[-1:])
        return ran.returncode != SAME
    finally:
        place.write_text(whole, "utf-8")


def compare() -> int:
    """Whether one of the pictures that were made looks other than it should."""
    import test_golden

    pictures = pickle.loads(MADE.read_bytes())
    golden = test_golden.written()["fingerprints"]
    for name, values in test_golden.looked_at(reversed(pictures)):
        if any(test_golden.changed(golden.get(name), values)):
            return DIFFERS
    return SAME


def unnoticed(chosen: list[Step], jobs: int) -> Iterator[Step]:
    """The steps with which the golden test stays green, tried in some copies of the program."""
    import test_golden

    pictures = pickle.dumps(list(test_golden.made()))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as threads:
        free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(jobs):
            copied = Path(folder) / f"copy{number}"
            shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".*", "__pycache__"))
            (copied / MADE.name).write_bytes(pictures)
            free.put(copied)

        def judge(step: Step) -> bool:
            place = free.get()
            try:
                return is_noticed(step, place)
            finally:
                free.put(place)

        for step, seen in zip(chosen, threads.map(judge, chosen), strict=True):
            if not seen:
                yield step


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default="", help="those with this in their name")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (default: 1)")
    parser.add_argument("--compare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compare:
        return compare()
    chosen = [step for step in steps() if arguments.only in str(step)]
    left = 0
    for step in unnoticed(chosen, arguments.jobs):
        left += 1
        print(f"SURVIVED {step}", flush=True)
    print(f"{len(chosen) - left} of {len(chosen)} noticed")
    return left > 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
