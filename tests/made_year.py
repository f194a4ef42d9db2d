"""A photo library month after month, and a person who looks at its groups: the same each time.

Each month photos come, some of them also as a messenger sends them, edited, or as a backup; others
are lost, renamed, moved, edited, rated or backed up once more. The person deletes copies of some
groups, keeps others side by side, and leaves the rest for another month.
"""

import functools
import hashlib
import io
import os
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

MONTH_SECONDS = 30 * 86_400
FIRST_DAY = 1_500_000_000  # none of the photos is as new as what find would read again
# Of all photos: those that are lost, renamed, moved, edited, rated and backed up in a month.
SHARES = (0.01, 0.02, 0.02, 0.01, 0.03, 0.015)
# Of new photos: those that are also sent, edited and backed up.
SENT, EDITED, BACKED_UP = 0.15, 0.08, 0.1


@dataclass(frozen=True, order=True)
class Shows:
    """What a photo shows: a scene, and what was made of it since the camera took it."""

    scene: int
    edits: int = 0
    sent: bool = False


@dataclass(frozen=True)
class Photo:
    shows: Shows
    rating: int = 0


# ---- Pictures


def scene(number: int, side: int) -> Image.Image:
    """A picture that is like no other of these, of so many pixels across."""
    chance = np.random.default_rng(number)
    size = side, side * 3 // 4
    coarse = Image.fromarray(chance.integers(0, 256, (7, 10, 3), dtype=np.uint8))
    levels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = chance.normal(0, 5, (size[1], size[0], 1))
    return Image.fromarray((levels + grain).clip(0, 255).astype(np.uint8))


@functools.lru_cache(maxsize=512)
def jpeg(shows: Shows, side: int) -> bytes:
    """The file of a photo without a rating."""
    picture = scene(shows.scene, side)
    for _ in range(shows.edits):
        picture = picture.point(lambda level: int(level * 0.9 + 12))
    if shows.sent:
        picture = picture.resize((side * 3 // 5, side * 9 // 20))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=70 if shows.sent else 92)
    return stream.getvalue()


def content(photo: Photo, side: int) -> bytes:
    """The file of a photo; a rating stands in it as programs write one, and changes no pixel."""
    data = jpeg(photo.shows, side)
    if not photo.rating:
        return data
    packet = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>%d</x:xmpmeta>" % photo.rating
    return data[:2] + b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet + data[2:]


# ---- The library


def _some(names: Sequence[str], share: float, chance: random.Random) -> list[str]:
    """A share of them, and at least one if there are some."""
    return chance.sample(names, min(len(names), max(1, round(share * len(names)))))


@dataclass
class Year:
    """A library that changes from month to month; `there` is what its owner has, by path below."""

    photos: Path
    first: int  # photos that the camera took before the first month
    monthly: int
    side: int = 240  # pixels
    seed: int = 0
    there: dict[str, Photo] = field(default_factory=dict)
    month: int = 0
    taken: int = 0
    _digests: dict[str, str] = field(default_factory=dict)
    _changes: int = 0

    def go_on(self) -> int:
        """Let a month pass; returns how often a file came, went or changed."""
        self.month, self._changes = self.month + 1, 0
        chance = random.Random(f"{self.seed} {self.month}")
        deeds = (self._take, self._rename, self._move, self._edit, self._rate, self._back_up)
        old = sorted(self.there)
        chosen = [_some(old, share, chance) for share in SHARES]
        for deed, names in zip(deeds, chosen, strict=True):
            for name in names:
                if name in self.there:
                    deed(name)
        for _ in range(self.monthly if old else self.first):
            self._shoot(chance)
        return self._changes

    def _shoot(self, chance: random.Random) -> None:
        """A new photo and, by chance, what becomes of it at once."""
        shows, self.taken = Shows(self.taken), self.taken + 1
        name = f"Camera/{self.month:02}/IMG_{shows.scene:05}.jpg"
        self._put(name, Photo(shows))
        if chance.random() < SENT:
            sent = Photo(replace(shows, sent=True))
            self._put(f"Messenger/IMG-{self.month:02}-WA{shows.scene:05}.jpg", sent)
        if chance.random() < EDITED:
            edited = Photo(replace(shows, edits=1))
            self._put(f"Camera/{self.month:02}/IMG_{shows.scene:05}-edited.jpg", edited)
        if chance.random() < BACKED_UP:
            self._back_up(name)

    def _rename(self, name: str) -> None:
        folder, base = os.path.split(name)
        self._put_as(f"{folder}/{self.month:02} {base}", name)

    def _move(self, name: str) -> None:
        self._put_as(f"Albums/{self.month:02}/{os.path.basename(name)}", name)

    def _edit(self, name: str) -> None:
        photo = self.there[name]
        shows = replace(photo.shows, edits=photo.shows.edits + 1)
        self._put(name, replace(photo, shows=shows))

    def _rate(self, name: str) -> None:
        photo = self.there[name]
        self._put(name, replace(photo, rating=photo.rating % 5 + 1))

    def _back_up(self, name: str) -> None:
        place = f"Backup {self.month:02}/{name}"
        self._put(place, self.there[name])

    def _put(self, name: str, photo: Photo) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content(photo, self.side)
        path.write_bytes(data)
        self._digests[name] = hashlib.sha256(data).hexdigest()
        seconds = FIRST_DAY + self.month * MONTH_SECONDS + len(self.there)
        os.utime(path, (seconds, seconds))
        self.there[name] = photo
        self._changes += 1

    def _put_as(self, place: str, name: str) -> None:
        """Another name for a file, where none is in the way."""
        if place not in self.there:
            (self.photos / place).parent.mkdir(parents=True, exist_ok=True)
            (self.photos / name).rename(self.photos / place)
            self.there[place] = self.there.pop(name)
            self._digests[place] = self._digests[name]
            self._changes += 1

    def _take(self, name: str) -> None:
        (self.photos / name).unlink()
        del self.there[name]
        self._changes += 1

    def deleted(self, names: Collection[str]) -> None:
        """Take note that the program has deleted some files."""
        for name in names:
            del self.there[name]

    def is_as_it_should(self) -> bool:
        """Whether the files that are there are those of the owner, byte by byte."""
        found = {
            str(path.relative_to(self.photos)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.photos.rglob("*")
            if path.is_file()
        }
        return found == {name: self._digests[name] for name in self.there}

    def shown(self, names: Iterable[str]) -> Counter[Shows]:
        """What the photos of a group show, each as often as it is there."""
        return Counter(self.there[name].shows for name in names)


# ---- The person


@dataclass(frozen=True)
class Wishes:
    """What a person wants of the groups they see: whose copies to delete, which groups to keep."""

    doomed: frozenset[str] = frozenset()
    keep: tuple[int, ...] = ()


@dataclass
class Person:
    """Looks at groups, always in the same way; `settled` is what they want side by side."""

    seed: int = 0
    settled: list[Counter[Shows]] = field(default_factory=list)

    def looks_at(self, year: Year, groups: Mapping[int, Sequence[str]]) -> Wishes:
        """Their wishes for the groups of a result, by number, each the names of its photos."""
        doomed: set[str] = set()
        keep = []
        for number, names in groups.items():
            if self.is_settled(year.shown(names)):
                continue
            chance = random.Random(f"{self.seed} {sorted(year.shown(names).items())}")
            going, is_kept = self._wish(year, names, chance)
            doomed |= going
            left = [name for name in names if name not in going]
            if is_kept and len(left) > 1:
                self.settled.append(year.shown(left))
                keep.append(number)
        return Wishes(frozenset(doomed), tuple(keep))

    def is_settled(self, shown: Counter[Shows]) -> bool:
        return any(shown <= known for known in self.settled)

    def keeps_the_rest(self, year: Year, groups: Iterable[Sequence[str]]) -> None:
        """Want side by side whatever is left of some groups."""
        for names in groups:
            left = [name for name in names if name in year.there]
            if len(left) > 1 and not self.is_settled(year.shown(left)):
                self.settled.append(year.shown(left))

    @staticmethod
    def _wish(year: Year, names: Sequence[str], chance: random.Random) -> tuple[set[str], bool]:
        """Whose copies of a group to delete, and whether to keep what is left of it."""
        best = min(names, key=lambda name: (-(year.photos / name).stat().st_size, name))
        others = [name for name in names if name != best]
        mood = chance.random()
        if mood < 0.45:
            return {name for name in others if chance.random() < 0.9}, chance.random() < 0.5
        return set(), mood < 0.85


def in_groups(copies: Mapping[str, str], photos: Path) -> dict[int, list[str]]:
    """The groups of a result by number, each the names of its photos, from its info.txt."""
    groups: dict[int, list[str]] = {}
    for original, copy in copies.items():
        number = int(Path(copy).parent.name)
        groups.setdefault(number, []).append(str(Path(original).relative_to(photos)))
    return {number: sorted(names) for number, names in sorted(groups.items())}


def delete_copies(copies: Mapping[str, str], photos: Path, doomed: Iterable[str]) -> None:
    for name in doomed:
        Path(copies[str(photos / name)]).unlink()
