"""Other duplicate finders, each in a virtual environment of its own, with their own defaults.

This file is also the adapter: run with a peer's Python as `peers.py NAME FOLDER`, it prints a
JSON object with the groups that the peer makes. It imports nothing but the standard library.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import MagicMock

Groups = list[list[str]]
CNN_ONLY = (
    *("torch", "torch.nn", "torch.utils", "torch.utils.data"),
    *("torchvision", "torchvision.models", "torchvision.models.vision_transformer"),
    "torchvision.transforms",
)


@dataclass(frozen=True)
class Peer:
    """How a peer is installed with pip, which Python it wants, and how its groups are had."""

    groups: Callable[[str], Groups]
    installs: tuple[str, ...]
    python: tuple[int, int] = (3, 11)


# ---- adapters


def imagededup(folder: str) -> Groups:
    """PHash at its default distance of 10 bits, over all files below the folder.

    The frameworks of its CNN are large and stay uninstalled: PHash makes no use of them.
    """
    import sklearn.metrics.pairwise  # type: ignore[import-not-found] # noqa: F401

    for name in CNN_ONLY:
        sys.modules[name] = MagicMock()
    from imagededup.methods import PHash  # type: ignore[import-not-found]

    for name in CNN_ONLY:
        del sys.modules[name]  # SciPy, too, would take them for real
    found = PHash().find_duplicates(image_dir=folder, recursive=True, max_distance_threshold=10)
    below = Path(folder)
    return [
        [str(below / name), *(str(below / o) for o in others)] for name, others in found.items()
    ]


def czkawka(folder: str) -> Groups:
    """The binding documents no default; unset, it finds as much as at 10. Groups vary by run."""
    from czkawka import ImageSimilarity  # type: ignore[import-not-found]

    finder = ImageSimilarity()
    finder.set_directories([folder])
    finder.set_similarity(10)
    return [[str(path) for path in group] for group in finder.find_similar()]


def imgdd(folder: str) -> Groups:
    """Equal hashes (dhash), the only duplicates that it reports."""
    import imgdd as finder  # type: ignore[import-not-found]

    return [list(paths) for paths in finder.dupes(path=folder).values()]


def image_dedup_ai(folder: str) -> Groups:
    from image_dedup_ai import find_duplicates  # type: ignore[import-not-found]

    return [list(group) for group in find_duplicates(folder).groups]


def duplicate_images(folder: str) -> Groups:
    """Its command with its defaults: equal hashes, in groups instead of pairs."""
    command = [os.path.join(os.path.dirname(sys.executable), "find-dups")]
    command += ["--group", "--on-equal", "quote", folder]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [shlex.split(line) for line in ran.stdout.splitlines()]


def difpy(folder: str, similarity: str = "duplicates") -> Groups:
    import difPy  # type: ignore[import-not-found]

    collection = difPy.build(folder, show_progress=False)
    found = difPy.search(collection, similarity=similarity, show_progress=False).result
    return [[name, *(other[0] for other in others)] for name, others in found.items()]


def difpy_similar(folder: str) -> Groups:
    return difpy(folder, "similar")


def immaculate(folder: str, method: str = "pdq") -> Groups:
    from immaculate import find_duplicates  # type: ignore[import-not-found]

    found = find_duplicates(folder, method=method)
    return [[str(path) for path in group] for group in (*found.exact, *found.near)]


def immaculate_sscd(folder: str) -> Groups:
    return immaculate(folder, "sscd")


def immaculate_sscd_distilled(folder: str) -> Groups:
    return immaculate(folder, "sscd_distilled")


IMAGEDEDUP = (
    "--no-deps imagededup",
    "numpy Pillow PyWavelets matplotlib scikit-learn scipy tqdm",
)
PEERS = {
    "imagededup": Peer(imagededup, IMAGEDEDUP),
    "czkawka": Peer(czkawka, ("czkawka",)),
    "imgdd": Peer(imgdd, ("imgdd",)),
    "image-dedup-ai": Peer(image_dedup_ai, ("image-dedup-ai",)),
    "duplicate-images": Peer(duplicate_images, ("duplicate-images",)),
    "difPy": Peer(difpy, ("difPy",)),
    "difPy similar": Peer(difpy_similar, ("difPy",)),
    "immaculate pdq": Peer(immaculate, ("immaculate[sscd]",), (3, 12)),
    "immaculate sscd": Peer(immaculate_sscd, ("immaculate[sscd]",), (3, 12)),
    "immaculate sscd_distilled": Peer(immaculate_sscd_distilled, ("immaculate[sscd]",), (3, 12)),
}
NAMES = tuple(PEERS)


# ---- installing


def command(name: str, folder: Path, venvs: Path, pythons: Sequence[str] = ()) -> list[str] | str:
    """The command that prints a peer's groups, installed first; or why it can't be had."""
    peer = PEERS[name]
    venv = venvs / name.split()[0].lower()  # one for all methods of a peer
    python = venv / "bin" / "python"
    if not (venv / "installed").exists():
        base = interpreter(peer.python, pythons)
        if base is None:
            return f"{name}: needs Python {peer.python[0]}.{peer.python[1]} (see --python)"
        shutil.rmtree(venv, ignore_errors=True)
        steps = [[base, "-m", "venv", str(venv)]]
        steps += [[str(python), "-m", "pip", "install", "-q", *i.split()] for i in peer.installs]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"{name}: can't be installed: {last_line(done.stderr)}"
        (venv / "installed").touch()
    return [str(python), str(Path(__file__).resolve()), name, str(folder)]


def interpreter(least: tuple[int, int], more: Sequence[str]) -> str | None:
    """A Python that is new enough: this one, one of `more`, or one on the PATH."""
    named = [shutil.which(f"python3.{minor}") for minor in range(least[1], 20)]
    ask = f"import sys; raise SystemExit(sys.version_info < {least})"
    for python in (sys.executable, *more, *filter(None, named)):
        if not subprocess.run([python, "-c", ask], capture_output=True, check=False).returncode:
            return python
    return None


def last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no message")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("folder")
    arguments = parser.parse_args(argv)
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a peer prints goes to stderr
    groups = PEERS[arguments.name].groups(arguments.folder)
    with open(answers, "w", encoding="utf-8") as stream:
        json.dump({"groups": groups}, stream)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
