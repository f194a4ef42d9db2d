"""Small pictures in a file, one after the other, each known by its place and its digest."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import FileIO

from disk import system
from disk.files import ImageFile
from pictures.looks import Look, Spooled, content, digest
from pictures.packing import pack, unpack

MARK = b"small pictures of photos\n"  # at the beginning of a file that stays, and then its number
ID_BYTES = 16
HEAD_BYTES = len(MARK) + ID_BYTES

Photo = tuple[ImageFile, str]  # and the digest of its content
# Makes a picture that can't be read, of the photos whose pictures lie in its file.
MakeAgain = Callable[[Spooled, Sequence[Photo]], bytes]


class InMemory:
    """The source of a picture for which no file had room."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, picture: Spooled) -> bytes:
        return self.made_again(picture)

    def once(self, _: Spooled) -> bytes:
        return self._data

    def made_again(self, picture: Spooled) -> bytes:
        assert digest(self._data) == picture.digest
        return self._data


def in_memory(data: bytes) -> Spooled:
    """A picture that stays in memory, and equals others of its digest."""
    return Spooled(digest(data), len(data), 0, InMemory(data))


class PictureFile:
    """A file that small pictures are added to, at its end, and read from; no byte of it changes.

    What can't be read as it was written is made again by `make_again`, of its photo.
    """

    def __init__(self, file: FileIO, make_again: MakeAgain, least_room: int = 0) -> None:
        self._file, self._make_again, self._least_room = file, make_again, least_room
        self._end = 0
        self.number = self._number()
        self._photos: list[Photo] = []

    def _number(self) -> bytes:
        """The number at the beginning of a file that stays; nothing of another."""
        head = system.read_at(self._file.fileno(), HEAD_BYTES, 0)
        return head[len(MARK) :] if head.startswith(MARK) else b""

    def close(self) -> None:
        self._file.close()

    def has_room(self) -> bool:
        """Whether more may be added, so that enough stays free of the disk."""
        room = system.room_beside(self._file.fileno()) if self._least_room else None
        return room is None or room >= self._least_room

    def add(self, parts: Sequence[bytes]) -> int | None:
        """Write pictures one after the other; the place of the first, or None for want of room."""
        data = b"".join(parts)
        try:
            if not self.has_room():
                return None  # others would lack it, the cache first
            written = self._file.write(data)
            end = self._file.tell()
        except OSError:
            return None
        return end - written if written == len(data) else None

    def add_look(self, look: Look) -> tuple[Look, int, int] | None:
        """A look with its pictures in this file, their place and length; None for want of room."""
        parts = pictures_of(look)
        place = self.add([part for part in parts if isinstance(part, bytes)])
        if place is None:
            return None
        spooled, at = [], place
        for part in parts:
            assert isinstance(part, bytes)
            spooled.append(Spooled(digest(part), len(part), at, self))
            at += len(part)
        return with_pictures(look, spooled), place, at - place

    def note(self, photo: Photo) -> None:
        """Remember that pictures of a photo lie here."""
        self._photos.append(photo)

    def holds(self, place: int, length: int) -> bool:
        """Whether the file is long enough to hold so many bytes at a place."""
        if place + length > self._end:
            self._end = self.size()
        return place >= HEAD_BYTES and place + length <= self._end

    def has_whole(self, look: Look, place: int, length: int) -> bool:
        """Whether all pictures of a look lie at a place as they were added."""
        data = self.bytes_at(place, length)
        return all(
            isinstance(part, bytes)
            or digest(data[part.place - place :][: part.length]) == part.digest
            for part in pictures_of(look)
        )

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def sync(self) -> None:
        """Wait until the disk has what was added."""
        os.fsync(self._file.fileno())

    def bytes_at(self, place: int, length: int) -> bytes:
        """What lies at a place; nothing where the disk fails."""
        try:
            return system.read_at(self._file.fileno(), length, place)
        except OSError:
            return b""

    def once(self, picture: Spooled) -> bytes:
        """What lies in the place of a picture."""
        return self.bytes_at(picture.place, picture.length)

    def read(self, picture: Spooled) -> bytes:
        """A picture as it was added, by its digest, or made again."""
        data = self.once(picture)
        if digest(data) == picture.digest:
            return data
        return self.made_again(picture)

    def made_again(self, picture: Spooled) -> bytes:
        """A picture that can't be read, of its photo."""
        return self._make_again(picture, self._photos)


def pictures_of(look: Look) -> list[bytes | Spooled]:
    """The small pictures of a look and its points, in the order in which they lie in a file."""
    of_views = (part for view in look.views for part in (view.gray, view.fine) if part)
    return [*of_views, *(part for part in (look.large, look.points) if part)]


def with_pictures(look: Look, pictures: Sequence[bytes | Spooled]) -> Look:
    """A look with others in the place of its pictures."""
    others = iter(pictures)
    views = tuple(
        replace(
            view,
            gray=next(others) if view.gray else b"",
            fine=next(others) if view.fine else None,
        )
        for view in look.views
    )
    large = next(others) if look.large else None
    return replace(look, views=views, large=large, points=next(others) if look.points else None)


# ---- A look as bytes, wherever they are taken


def apart(look: Look) -> tuple[bytes, bytes]:
    """A look as bytes, and its small pictures, one after the other."""
    pictures = [content(part) for part in pictures_of(look)]
    return pack(with_pictures(look, [*map(in_memory, pictures)])), b"".join(pictures)


def together(packed: bytes, pictures: bytes, hash_bytes: int) -> Look:
    """The look that was taken apart; ValueError for other bytes."""
    look, length = unpack(packed, hash_bytes, InMemory(pictures))
    if look is None or length != len(pictures):
        raise ValueError("its pictures are not those of the look")
    parts = []
    for part in pictures_of(look):
        assert isinstance(part, Spooled)
        data = pictures[part.place :][: part.length]
        if digest(data) != part.digest:
            raise ValueError("a picture of it is another one")
        parts.append(data)
    return with_pictures(look, parts)
