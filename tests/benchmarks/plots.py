"""Draws docs/pictures: what is found and what it costs, as README.md beside this file has it.

    python tests/benchmarks/plots.py

Whoever changes its tables runs this, and tests/test_plots.py asks for it. `--groups` also makes the
picture of groups anew: edits of a sample photo, each with the first preset that finds it.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
README = HERE / "README.md"
PICTURES = ROOT / "docs" / "pictures"
INK = "#737b84"  # can be read on white and on black
BLUE, ORANGE = "#2f81f7", "#d9730d"
FONTS = ["DejaVu Sans", "Arial"]
WIDE, HIGH = 0.9, 0.27  # of a field, in inches


# ---- The tables


@dataclass(frozen=True)
class Table:
    """A table of README.md, with the heading that it stands under."""

    under: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        place = self.head.index(name)
        return [row[place] for row in self.rows]

    def value(self, row: str, column: str) -> float:
        """The number in the row that begins with a word."""
        return float(self.column(column)[self.column(self.head[0]).index(row)].replace(",", ""))


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def tables(text: str) -> Iterator[Table]:
    """All tables of a page, in their order."""
    for part in re.split(r"^(?=#+ )", text, flags=re.MULTILINE):
        heading = part.partition("\n")[0].lstrip("# ")
        for block in re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE):
            head, _, *rows = block.splitlines()
            yield Table(heading, cells(head), tuple(map(cells, rows)))


def named(every: Sequence[Table], under: str, first: str, *columns: str) -> Table:
    """The last table under a heading that begins with a column and has some others."""
    found = [
        table
        for table in every
        if table.under == under and table.head[0] == first and {*columns} <= {*table.head}
    ]
    if not found:
        raise SystemExit(f"README.md has no table {first} | {' | '.join(columns)} under {under}")
    return found[-1]


@dataclass(frozen=True)
class Plot:
    """A file, the tables that it shows, and the columns of them that it takes."""

    name: str
    tables: tuple[Table, ...]
    columns: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What changes with what is shown."""
        shown = [[t.under, t.head, t.rows] for t in self.tables]
        return hashlib.sha256(json.dumps([shown, self.columns]).encode()).hexdigest()


TEST = ("similar", "crops", "imagededup", "czkawka", "imgdd", "image-dedup-ai", "immaculate pdq")
UNSEEN = ("similar", "most", "imagededup", "image-dedup-ai", "imgdd", "immaculate pdq")
GROWTH = ("photos", "first run, CPU s", "second run, CPU s")


def plots(text: str) -> tuple[Plot, Plot, Plot]:
    """What is drawn of README.md: two of what is found, and one of what it costs."""
    every = tuple(tables(text))
    found = []
    for name, under, columns in (
        ("found.svg", "Results", (*TEST, "immaculate sscd")),
        ("found-unseen.svg", "Results on the unseen split", (*UNSEEN, "immaculate sscd_distilled")),
    ):
        of_kinds = named(every, under, "copies found", *columns)
        precise = named(every[: every.index(of_kinds)], under, "tool", "precision", "copies found")
        found.append(Plot(name, (precise, of_kinds), columns))
    return found[0], found[1], Plot("cost.svg", (named(every, "Results", "", *GROWTH),), GROWTH)


# ---- Drawing


def figure(width: float, height: float) -> tuple[Any, Any]:
    """An empty picture with text that can be read on any ground."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    for part in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"):
        matplotlib.rcParams[part] = INK
    matplotlib.rcParams.update(
        {"svg.hashsalt": "", "svg.fonttype": "none", "font.size": 10, "font.sans-serif": FONTS}
    )
    drawn, axes = pyplot.subplots(figsize=(width, height))
    drawn.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    return drawn, axes


def save(drawn: Any, plot: Plot) -> None:
    """Write a picture with the digest of what it shows, and with no date."""
    drawn.savefig(
        PICTURES / plot.name,
        bbox_inches="tight",
        metadata={"Date": None, "Description": plot.digest},
    )


def draw_found(plot: Plot) -> None:
    """Draw a field for each kind of edit and tool: the darker, the more copies are found."""
    precise, of_kinds = plot.tables
    kinds = of_kinds.column("copies found")
    height = len(kinds) + 2.5
    drawn, axes = figure(WIDE * len(plot.columns), HIGH * height)
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(-0.5, len(plot.columns) - 0.5), ylim=(height - 0.5, -0.5))
    for x, tool in enumerate(plot.columns):
        fields(axes, x, [(0, precise.value(tool, "precision"))], "Greens")
        shares = [precise.value(tool, "copies found"), *map(float, of_kinds.column(tool))]
        places = [1, *(y + 2.5 for y in range(len(kinds)))]
        fields(axes, x, list(zip(places, shares, strict=True)), "Blues")
    labels = [re.sub(r"[ _]|(?<=-)(?=d)", "\n", tool) for tool in plot.columns]
    axes.set_xticks(range(len(labels)), labels)
    axes.xaxis.tick_top()
    axes.set_yticks([0, *places], ["precision of the groups", "copies found, all", *kinds])
    plain(axes)
    save(drawn, plot)


def fields(axes: Any, x: float, shares: Sequence[tuple[float, float]], colours: str) -> None:
    """Draw some shares of a column below each other, with their numbers."""
    import matplotlib

    shades = [matplotlib.colormaps[colours](0.04 + 0.82 * share) for _, share in shares]
    across, down = WIDE * 0.96, HIGH * 0.92
    box = [(-across, -down), (across, -down), (across, down), (-across, down), (-across, -down)]
    places = [y for y, _ in shares]
    size = (72 * across) ** 2  # in points, of the longer side
    axes.scatter([x] * len(shares), places, s=size, marker=box, c=shades, linewidths=0)
    for y, share in shares:
        ink = "white" if share > 0.55 else "#24292f"
        axes.text(x, y, f"{share:.2f}", ha="center", va="center", color=ink, fontsize=9)


def plain(axes: Any) -> None:
    """Leave out the frame and the ticks, which say nothing here."""
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def draw_cost(plot: Plot) -> None:
    """Draw what a run costs by the number of photos, the first and with nothing changed."""
    (growth,) = plot.tables
    drawn, axes = figure(6.4, 4)
    tools = [*dict.fromkeys(growth.column(""))]
    for tool, colour in zip(tools, (BLUE, ORANGE), strict=True):
        rows = [row for row in growth.rows if row[0] == tool]
        for run, style in (("first run", "-"), ("second run", "--")):
            line(axes, growth, rows, f"{run}, CPU s", (colour, style), f"{tool.strip('`')}, {run}")
    axes.set(xscale="log", yscale="log", xlabel="small photos", ylabel="CPU seconds, all processes")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(color=INK, alpha=0.25, linewidth=0.6)
    plain(axes)
    save(drawn, plot)


def line(
    axes: Any, table: Table, rows: Sequence[Sequence[str]], column: str, look: Any, name: str
) -> None:
    """Draw a line with its name at its end."""
    places = (table.head.index("photos"), table.head.index(column))
    xs, ys = ([float(row[place].replace(",", "")) for row in rows] for place in places)
    colour, style = look
    axes.plot(xs, ys, style, color=colour, marker="o", markersize=5, linewidth=1.8)
    axes.annotate(
        name, (xs[-1], ys[-1]), (8, 0), textcoords="offset points", va="center", color=colour
    )


# ---- A group of each kind


# Edits of the benchmark, as people would name them.
KINDS = {
    "size 160 px": "smaller",
    "black and white": "black and white",
    "vintage": "filtered",
    "mirrored": "mirrored",
    "inverted": "a negative",
    "halftone coarse": "printed dots",
    "polaroid": "framed",
    "meme text": "with words",
    "sticker": "stickers",
    "phone": "a screenshot",
    "crop 10 %": "cropped a little",
    "letterbox": "letterboxed",
    "tilted 15": "tilted by 15 degrees",
    "story blurred": "a story",
    "collage 4": "a collage",
    "print on a table": "a print",
    "avatar round": "an avatar",
    "sketch": "a sketch",
}
FINDERS = ("copies", "similar", "most")
SUBJECT, OTHERS = "2024/coffee.jpg", ("2023/launch.jpg", "2023/portrait.jpg", "2024/cat.jpg")


def opened(sample: str) -> Any:
    from PIL import Image

    return Image.open(ROOT / "tests" / "samples" / sample).convert("RGB")


def edited(folder: Path) -> Iterator[tuple[str, Path]]:
    """The kinds of edit, and a file of the sample photo for each."""
    from edits import EDITS
    from edits_unseen import EDITS_UNSEEN

    edits = {edit.name: edit for edit in (*EDITS, *EDITS_UNSEEN)}
    for name, kind in KINDS.items():
        edit = edits[name]
        others = [opened(sample) for sample in OTHERS][: getattr(edit, "others", 0)]
        path = folder / f"{kind}{edit.suffix}"
        edit.change(opened(SUBJECT), Random(name), *others).convert("RGB").save(path, **edit.save)
        yield kind, path


def first_finder(path: Path) -> str:
    """The first preset that puts a picture to the sample photo, or none."""
    for preset in FINDERS:
        command = [sys.executable, str(ROOT / "main.py"), "--action", "explain", "--json"]
        command += ["--preset", preset, str(ROOT / "tests" / "samples" / SUBJECT), str(path)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        if json.loads(ran.stdout)["alike"]:
            return preset
    return "not found"


def draw_groups() -> None:
    """Draw edits of a photo, those in one row that one preset is the first to find."""
    from matplotlib import pyplot
    from PIL import Image, ImageOps

    figure(1, 1)  # the looks of all
    with tempfile.TemporaryDirectory() as folder:
        made = [(kind, first_finder(path), opened(path)) for kind, path in edited(Path(folder))]
    order = sorted(made, key=lambda one: [*FINDERS, "not found"].index(one[1]))
    across = 6
    drawn, places = pyplot.subplots(-(-len(made) // across), across, figsize=(9.6, 5.6))
    for axes, (kind, finder, picture) in zip(places.flat, order, strict=True):
        axes.imshow(ImageOps.pad(picture, (260, 200), Image.Resampling.LANCZOS, "#f6f8fa"))
        axes.set_title(f"{kind}\n({finder})", fontsize=9, color="#24292f")
        axes.axis("off")
    drawn.patch.set_facecolor("#f6f8fa")
    drawn.tight_layout(pad=0.6)
    drawn.savefig(PICTURES / "groups.jpg", dpi=100, pil_kwargs={"quality": 76})


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", action="store_true", help="also the picture of groups")
    arguments = parser.parse_args(argv)
    PICTURES.mkdir(exist_ok=True)
    *found, cost = plots(README.read_text("utf-8"))
    for plot in found:
        draw_found(plot)
    draw_cost(cost)
    if arguments.groups:
        draw_groups()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
