"""What was read of the photos, outside of memory.

What earlier runs read is in one SQLite file, so that it need not be read again, and its small
pictures are in another beside it. What isn't kept, and would fill memory, is out of it in a
spool until the run ends.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from config import UserError
from disk.files import ImageFile, has_digest
from pictures import database, searches
from pictures.database import writing
from pictures.garbage import no_collections
from pictures.images import Hashed, HashedImage, HashFiles
from pictures.looks import Look, Spooled, digest, only_hash
from pictures.packing import pack, unpack
from pictures.picture_file import Photo, PictureFile, pictures_of
from pictures.queries import DROP_UNUSED, KNOWN, MOVED, NOT_HERE, NOTE_SEEN, NOTED, TOUCHED, VALUE
from pictures.recipe import Recipe
from pictures.rows import (
    Row,
    Rows,
    Value,
    below,
    drop_oldest,
    file_row,
    file_system,
    gone,
    list_here,
    row_of,
    rows_of,
    whole,
)
from pictures.searches import SEARCHES
from pictures.spool import Spool

SECONDS_BETWEEN_COMMITS = 3.0
# A file that changes twice within the steps of its file system's clock (two seconds on FAT) may
# have the same time with other content, so what changed a moment ago is read again next time.
RACY_NS = 2_000_000_000
DAYS_KEPT = 180  # of files that can't be looked for, as their folder isn't there
DAYS_BETWEEN_NOTES = 30
SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Made:
    """A value that is to be kept, of a file."""

    file: ImageFile
    digest: bytes
    value: Value
    new: bool = True  # or only the file is


class Store:
    """Values by content digest, and digests by a file's path, size, times and inode.

    A store that can't be used is told of by `warn`, and then the files are read. Only the process
    that opened it uses it. With the path None nothing is kept.
    """

    def __init__(self, path: str | None, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn
        self._now = time.time_ns()
        self._waiting: dict[Row, list[_Made]] = {}
        self._file_systems: dict[bytes, int | None] = {}
        self._committed = time.monotonic()
        self._hash_files: HashFiles | None = None
        self._listed: Sequence[ImageFile] = ()  # as the files that are here
        self._lost: set[str] = set()  # the photos whose pictures are, by their digests
        self._read_anew: set[int] = set()  # lists of photos, as one of their pictures was lost
        self._remade: dict[bytes, Spooled] = {}  # of these, by their digests
        self._open_files = contextlib.ExitStack()  # as looks have pictures in all of these
        self._has_told = self._has_changed = self._is_full = False
        self._pictures: PictureFile | None = None
        self._spool = Spool(path, self._made_again, warn)
        self._open_files.callback(self._spool.close)
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            with self._expecting_trouble():
                self._connect(path)

    def hashed(
        self, files: Sequence[ImageFile], recipe: Recipe, hash_files: HashFiles
    ) -> Iterator[Hashed]:
        """Yield what is known of some files, and then what `hash_files` finds in the others.

        What is new is kept, and on the disk within seconds; the small pictures of all are out of
        memory. With embeddings, pictures with a look are known only with what it made of them.
        A look by a thumbnail is kept only as such.
        """
        self._hash_files = hash_files
        known, rows = set(), rows_of(recipe)
        if self._connection is not None:
            with no_collections():
                for image in self._known(files, rows.look, rows.embedding):
                    known.add(image.file.path)
                    yield replace(image, by_thumbnail=True) if recipe.by_thumbnail else image
        for result in hash_files([file for file in files if file.path not in known]):
            if isinstance(result, HashedImage) and result.by_thumbnail == recipe.by_thumbnail:
                yield self._taken_in(result, rows)
            else:
                yield result
        self._list(files)
        self._commit()

    def _list(self, files: Sequence[ImageFile]) -> None:
        """List the files that are here, where what hashes some of them has listed those."""
        if self._listed is not files:
            with self._expecting_trouble():
                list_here(self._open(), files)

    def forget(self, paths: Iterable[str]) -> None:
        """Have files read again the next time: they were found to be other than we know them."""
        with self._expecting_trouble(), self._writing() as connection:
            rows = [(os.fsencode(path),) for path in paths]
            connection.executemany("DELETE FROM files WHERE path = ?", rows)

    def noted(self, row: Row, digests: Iterable[str]) -> dict[str, bytes]:
        """What is noted of some contents, by their digests."""
        found: dict[str, bytes] = {}
        with self._expecting_trouble():
            connection, number = self._open(), self._id(row)
            for key in map(bytes.fromhex, digests):
                noted = connection.execute(NOTED, (number, key)).fetchone()
                if value := noted and whole(key, *noted):
                    found[key.hex()] = value.data
        return found

    def note(self, row: Row, values: Mapping[str, bytes], most: int | None = None) -> None:
        """Note something small of some contents, for the next run.

        Of more than `most` the oldest are dropped.
        """
        if not self._has_room():
            return
        with self._expecting_trouble():
            number = self._id(row)
            rows = [row_of(number, bytes.fromhex(d), Value(v)) for d, v in values.items()]
            with self._writing() as connection:
                connection.executemany("REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?)", rows)
                if most is not None:
                    drop_oldest(connection, number, most)

    def recalled(self, name: str) -> bytes:
        """What a search has left by a name; nothing if it isn't whole."""
        with self._expecting_trouble():
            return searches.recalled(self._open(), self._id(SEARCHES), name)
        return b""

    def remember(self, name: str, data: bytes) -> None:
        """Keep what a search leaves by its name, and that of a few others."""
        if not self._has_room():
            return
        with self._expecting_trouble(), self._writing() as connection:
            searches.remember(connection, self._id(SEARCHES), name, data)

    def prune(self, input_dirs: Iterable[str]) -> None:
        """Drop what is known of files below some folders that are gone, and not just unmounted.

        Of the files that `hashed` was asked for last, all are there.
        """
        today = self._now // 10**9 // SECONDS_A_DAY
        with self._expecting_trouble(), self._writing() as connection:
            connection.execute(NOTE_SEEN, (today, today - DAYS_BETWEEN_NOTES))
            vanished = [
                path
                for folder in input_dirs
                for path in gone(connection.execute(NOT_HERE, below(folder)))
            ]
            connection.executemany("DELETE FROM files WHERE path = ?", vanished)
            old = connection.execute("DELETE FROM files WHERE seen < ?", (today - DAYS_KEPT,))
            if vanished or old.rowcount:
                connection.execute(DROP_UNUSED, (self._id(SEARCHES),))
                self._has_changed = True
            if self._has_changed:
                self._compact(connection)

    def close(self) -> None:
        """Keep what has come in, also where a run is interrupted."""
        self._commit()
        if self._lost:
            with self._expecting_trouble(), self._writing() as connection:
                lost = [(bytes.fromhex(digest),) for digest in self._lost]
                connection.executemany("DELETE FROM made WHERE digest = ?", lost)
        self._disconnect()
        self._open_files.close()

    def _connect(self, path: str) -> None:
        self._connection = database.connect(path, self._tell)
        self._paired(self._connection)

    def _paired(self, connection: sqlite3.Connection) -> PictureFile:
        """The file of small pictures that belongs to the database now."""
        if self._pictures is None or self._pictures.number != database.number_of(connection):
            path = str(self._path)
            self._pictures, lost = database.picture_file(connection, path, self._made_again)
            self._open_files.callback(self._pictures.close)
            if lost:
                self._tell_of_loss()
        return self._pictures

    def _disconnect(self) -> None:
        """Do without the database; the pictures that looks have stay where they are."""
        self._pictures = None
        self._waiting = {}
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _tell(self, sentence: str) -> None:
        """Say once in a run why photos are read anew."""
        if not self._has_told:
            self._has_told = True
            self._warn(sentence)

    def _tell_of_loss(self) -> None:
        self._tell(f"the cache {self._path} has lost its pictures; photos are read anew.")

    # ---- What is known

    def _known(
        self, files: Sequence[ImageFile], row: Row, embedding: Row | None
    ) -> Iterator[HashedImage]:
        """Yield what earlier runs have made of the files that have not changed since."""
        values = self._values(files, embedding) if embedding else ()
        length = embedding and embedding.length
        made = {f.path: v.data for f, _, v in values if length in (None, len(v.data))}
        for file, sha256, value in self._values(files, row):
            try:
                look = self._look((file, sha256), value, row)
            except ValueError:
                continue  # it was not written by us, whatever its checksum says
            if embedding is None or look is None or file.path in made:
                yield HashedImage(file, sha256, look, embedding=made.get(file.path))

    def _look(self, photo: Photo, value: Value, row: Row) -> Look | None:
        """The look that a value holds; ValueError where it or its pictures can't be."""
        if value.place is None or self._pictures is None:
            return unpack(value.data, row.length)[0]
        look, length = unpack(value.data, row.length, self._pictures, value.place)
        there = self._pictures.holds(value.place, length)
        if not there or (look and not self._pictures.has_whole(look, value.place, length)):
            self._tell_of_loss()
            raise ValueError("its pictures are not there, or are others")
        self._pictures.note(photo)
        return look

    def _values(
        self, files: Sequence[ImageFile], row: Row
    ) -> Iterator[tuple[ImageFile, str, Value]]:
        """Yield the files that have not changed since a value was made of them, with that value."""
        with self._expecting_trouble():
            connection = self._open()
            pictures = self._paired(connection)
            list_here(connection, files)
            self._listed = files
            self._follow(connection)
            asked = (self._id(row), pictures.number)
            for number, digest, *value in connection.execute(KNOWN, asked):
                if found := whole(digest, *value):
                    yield files[number], digest.hex(), found
            for number, digest in connection.execute(TOUCHED).fetchall():
                if (found := self._value_of_touched(files[number], digest, row)) is not None:
                    yield files[number], digest.hex(), found

    def _value_of_touched(self, file: ImageFile, digest: bytes, row: Row) -> Value | None:
        """What is known of a file that was touched, if its content is the same.

        A backup that makes hard links touches each file, and reading one again costs a tenth of
        hashing it.
        """
        connection = self._open()
        asked = (self._id(row), digest, self._paired(connection).number)
        found = connection.execute(VALUE, asked).fetchone()
        value = whole(digest, *found) if found else None
        if value is None or not has_digest(file.path, digest.hex()):
            return None
        self._keep(row, _Made(file, digest, value, new=False))
        return value

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Let the files that were moved or renamed keep what is known of them."""
        moved = {
            old: new
            for new, old in connection.execute(MOVED).fetchall()
            if isinstance(old, bytes) and not os.path.lexists(old)
        }
        if moved:
            with self._writing():
                rows = [(new, old) for old, new in moved.items()]
                connection.executemany("UPDATE OR REPLACE files SET path = ? WHERE path = ?", rows)

    # ---- What is new

    def _taken_in(self, image: HashedImage, rows: Rows) -> HashedImage:
        """A photo that was read, with its small pictures out of memory; it is kept if it may be."""
        keeps = self._pictures is not None and not self._is_full and self._may_keep(image)
        look = image.look
        if look is None or not look.views[0].gray:  # of a million hashes alone each step counts
            if keeps:
                self._keep_all(image, rows, Value(pack(look)))
            return image
        stored = self._pictures.add_look(look) if keeps and self._pictures else None
        if stored and self._pictures:
            look, place, length = stored
            self._pictures.note((image.file, image.digest))
            self._keep_all(image, rows, Value(pack(look), place, length))
            return replace(image, look=look)
        if keeps:
            self._keep_no_more()
        return replace(image, look=self._spool.add_look((image.file, image.digest), look))

    def _may_keep(self, image: HashedImage) -> bool:
        if image.damage or image.warnings:
            return False  # what is wrong with a picture is told each time
        return bool(image.file.inode) and image.file.mtime_ns <= self._now - RACY_NS

    def _keep_all(self, image: HashedImage, rows: Rows, value: Value) -> None:
        """Keep what was made of a picture, by the rows that hold it."""
        look = image.look
        values = [(rows.look, value)]
        if rows.hashes:
            bits = look and only_hash(look.views[0].hash)
            values.append((rows.hashes, Value(pack(bits))))
        if rows.embedding and image.embedding is not None:
            values.append((rows.embedding, Value(image.embedding)))
        for row, made in values:
            self._keep(row, _Made(image.file, bytes.fromhex(image.digest), made))

    def _keep(self, row: Row, made: _Made) -> None:
        self._waiting.setdefault(row, []).append(made)
        if time.monotonic() - self._committed > SECONDS_BETWEEN_COMMITS:
            self._commit()

    def _commit(self) -> None:
        """Write what has come in since the last time."""
        self._committed = time.monotonic()
        waiting, self._waiting = self._waiting, {}
        pictures = self._pictures
        for row, made in waiting.items():
            if self._pictures is pictures is not None:  # that of this database, in which they lie
                with self._expecting_trouble():
                    self._write(row, made, pictures)
        if waiting:
            self._has_room()

    def _has_room(self) -> bool:
        """Whether more may be kept; where it may not, that is told of."""
        if self._pictures and not self._is_full and not self._pictures.has_room():
            self._keep_no_more()
        return not self._is_full

    def _keep_no_more(self) -> None:
        """Write what has come in, and leave what is left of the disk to others."""
        self._is_full = True
        self._commit()
        self._warn(
            f"nothing more is kept in the cache {self._path}, as less than "
            f"{database.LEFT_FREE // 10**6} MB are free on its disk: make room there, or name "
            "another CACHE_FILE. What isn't kept is read anew the next time."
        )

    def _write(self, row: Row, made: Sequence[_Made], pictures: PictureFile) -> None:
        today = self._now // 10**9 // SECONDS_A_DAY
        if any(m.value.length for m in made):
            pictures.sync()  # or the tables would tell of pictures that a crash has undone
        with self._writing() as connection:
            if database.number_of(connection) != pictures.number:
                return  # another run has begun another file
            number = self._id(row)
            files = [
                (*file_row(m.file), m.digest, self._file_system_of(m.file.path), today)
                for m in made
            ]
            connection.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", files)
            values = [row_of(number, m.digest, m.value) for m in made if m.new]
            connection.executemany("REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?)", values)
            self._has_changed = self._has_changed or bool(values)

    def _file_system_of(self, path: str) -> int | None:
        folder = os.path.dirname(os.fsencode(path))
        if folder not in self._file_systems:
            self._file_systems[folder] = file_system(folder)
        return self._file_systems[folder]

    def _id(self, row: Row) -> int:
        """The number of a row in the file; what another version of it has made is dropped."""
        connection = self._open()
        found = connection.execute(
            "SELECT id, version FROM methods WHERE name = ?", (row.name,)
        ).fetchone()
        if found and found[1] == row.version:
            return int(found[0])
        with self._writing():
            if found:
                dropped = connection.execute("DELETE FROM made WHERE method = ?", (found[0],))
                if dropped.rowcount:
                    self._has_changed = True
                    self._tell(database.by_another_version(str(self._path)))
            values = (row.name, row.version)
            upsert = "ON CONFLICT (name) DO UPDATE SET version = excluded.version RETURNING id"
            insert = f"INSERT INTO methods (name, version) VALUES (?, ?) {upsert}"
            return int(connection.execute(insert, values).fetchone()[0])

    # ---- What is lost or in vain

    def _made_again(self, picture: Spooled, photos: Sequence[Photo]) -> bytes:
        """A picture that can't be read any more, of its photo; UserError if that has changed.

        What was read before was whole, so a disk fails now, or somebody has changed the file. Then
        all photos of the file are read anew at once, as one by one would take for ever.
        """
        if id(photos) not in self._read_anew:
            self._read_anew.add(id(photos))
            self._read_again(list(photos))
        again = self._remade.get(picture.digest)
        data = again.source.once(again) if again else None
        if data is None or digest(data) != picture.digest:
            raise UserError("what was read of a photo is lost, and it has changed; run it again.")
        return data

    def _read_again(self, photos: Sequence[Photo]) -> None:
        """Have the small pictures of photos in the spool, by their digests."""
        assert self._hash_files is not None
        self._tell_of_loss()
        self._lost.update(content for _, content in photos)
        for result in self._hash_files([file for file, _ in photos]):
            if isinstance(result, HashedImage) and result.look:
                spooled = self._spool.add_look((result.file, result.digest), result.look)
                parts = pictures_of(spooled)
                self._remade.update({p.digest: p for p in parts if isinstance(p, Spooled)})

    def _compact(self, connection: sqlite3.Connection) -> None:
        """Make the file of pictures anew, without those of which nothing is known any more."""
        old = self._pictures
        if old is None or self._path is None or database.number_of(connection) != old.number:
            return
        if database.wastes_room(connection, old):
            new = database.new_picture_file(self._path, self._made_again)
            self._open_files.callback(new.close)
            if database.moved_into(connection, old, new, self._path):
                self._pictures = new

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise _Unused
        return self._connection

    def _writing(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return writing(self._open())

    @contextlib.contextmanager
    def _expecting_trouble(self) -> Iterator[None]:
        """Begin a new store instead of a damaged one; do without one that fails otherwise."""
        try:
            yield
        except _Unused:
            pass
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            self._disconnect()
            path = str(self._path)
            damaged = database.tells_of_damage(error)
            if not damaged or not (database.lies_where_caches_do(path) or database.is_ours(path)):
                remedy = "; remove it or name another file" if damaged else ""
                if database.lacks_room(error):
                    remedy = "; make room there, or name another CACHE_FILE"
                unused = f"the cache {path} can't be used: {database.said(error)}{remedy}"
                self._warn(f"{unused}; photos are read anew.")
                return
            with contextlib.suppress(OSError, sqlite3.Error):
                aside = database.set_aside(path)
                self._warn(f"the cache {path} is damaged and was set aside as {aside}.")
                self._has_told = True
                self._connect(path)


class _Unused(Exception):
    """There is no store in this run."""


@contextlib.contextmanager
def opened(path: str | None, warn: Callable[[str], None]) -> Iterator[Store]:
    """A store, and its end. Raises UserError for a path where something else lies."""
    store = Store(path, warn)
    try:
        yield store
    finally:
        store.close()
