"""What cleanup did, line by line, so that it can be undone, the last one first.

It lies beside the key that signs each of its lines, outlives the results, and only grows.
"""

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass, field
from datetime import datetime

from config import Exit, UserError
from disk import signature, system
from disk.files import is_below, open_regular, sync_folder
from disk.strict import digest_of, number_of, path_of, table_of, text_of

BROKEN_LINE = (ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A file as cleanup proved it before it went, and the input folder in which it lay.

    `place` is where in a trash it lies; empty if it was deleted for good, which is `permanent`, or
    if the system's trash doesn't tell.
    """

    path: str
    below: str
    place: str
    permanent: bool
    digest: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Cleanup:
    """What a cleanup deleted, by path, which of that is restored, and when it ended.

    One that was interrupted is one with that which went on.
    """

    deletions: dict[str, Deletion] = field(default_factory=dict)
    restored: set[str] = field(default_factory=set)
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of an output folder: a file of this user's."""

    output_dir: str
    file: str
    key: bytes

    def deleted(self, deletion: Deletion) -> None:
        """Have it on disk that a file is about to go; OSError if that can't be."""
        self._append({"deleted": asdict(deletion)})

    def kept(self, path: str) -> None:
        """Note that a file was about to go and stays after all."""
        self._append({"kept": path})

    def ended(self) -> None:
        """Note that a cleanup has come to its end, so that the next is another one."""
        if os.path.lexists(self.file):
            self._append({"ended": datetime.now().isoformat(" ", "minutes")})

    def restored(self, deletion: Deletion) -> None:
        """Note that a file is back; its path alone wouldn't tell which cleanup it comes from."""
        self._append({"restored": asdict(deletion)})

    def last(self) -> Cleanup:
        """The last cleanup that deleted anything. Changes nothing on disk.

        Raises UserError as `cleanups` does.
        """
        return self.cleanups()[-1]

    def cleanups(self) -> list[Cleanup]:
        """The cleanups that deleted anything, the last one at the end. Changes nothing on disk.

        Raises UserError (exit 3) if there was none, or if a line isn't as it was written.
        """
        if not os.path.lexists(self.file):
            message = f"no cleanup of {self.output_dir} is noted ({self.file} is missing)"
            raise UserError(f"{message}; look into the trash yourself.", Exit.STATE)
        cleanups, _ = self._history()
        return [one for one in cleanups if one.deletions] or cleanups[-1:]

    def brought_back(self) -> frozenset[str]:
        """All that was ever restored. Changes nothing on disk.

        Raises UserError (exit 3) if a line isn't as it was written.
        """
        return frozenset(self._history()[1]) if os.path.lexists(self.file) else frozenset()

    def _history(self) -> tuple[list[Cleanup], set[str]]:
        """The cleanups one after the other, and all that was ever restored."""
        with open_regular(self.file) as stream:
            lines = stream.read().split(b"\n")[:-1]  # for what was cut off nothing went
        cleanups, back = [Cleanup()], set[str]()
        for number, line in enumerate(lines, 1):
            try:
                self._read(line, cleanups, back)
            except BROKEN_LINE as error:
                message = f"{self.file}, line {number} is damaged ({error})"
                raise UserError(
                    f"{message}; remove that line to restore what the others name.", Exit.STATE
                ) from error
        return cleanups, back

    def _read(self, line: bytes, cleanups: list[Cleanup], back: set[str]) -> None:
        """Take note of what a line says; one of `BROKEN_LINE` if it isn't as it was written."""
        row = table_of(json.loads(line.decode()), "it")
        signed = text_of(row.pop("signature"), "signature")
        if not signature.fits(self._as_bytes(row), [digest_of(signed, "signature")], self.key):
            raise ValueError("not signed with your key")
        ((kind, value),) = row.items()
        last = cleanups[-1]
        if kind == "ended":
            last.ended = last.ended or text_of(value, kind)  # later ones deleted nothing
        elif kind == "restored":
            back.add(_note_restored(value, cleanups))
        elif kind == "kept":
            last.deletions.pop(path_of(value, kind), None)
        else:
            deletion = _deletion_of(table_of(row["deleted"], kind))
            if last.ended:
                last = Cleanup()
                cleanups.append(last)
            last.deletions[deletion.path] = deletion
            last.restored.discard(deletion.path)

    def _as_bytes(self, row: dict[str, object]) -> bytes:
        return json.dumps([self.output_dir, row], sort_keys=True).encode()

    def _append(self, row: dict[str, object]) -> None:
        """Append a line, on disk when this returns, in the place of one that was cut off."""
        signed = {**row, "signature": signature.signature_of(self._as_bytes(row), self.key)}
        data = json.dumps(signed).encode() + b"\n"
        try:
            descriptor = system.open_file(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise OSError(f"{self.file} can't be written ({error.strerror})") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.file} is in the way")
            size = os.fstat(descriptor).st_size
            if size and system.read_at(descriptor, 1, size - 1) != b"\n":
                os.ftruncate(descriptor, system.read_at(descriptor, size, 0).rfind(b"\n") + 1)
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
            if not size:
                sync_folder(os.path.dirname(self.file))
        finally:
            os.close(descriptor)


def _note_restored(value: object, cleanups: list[Cleanup]) -> str:
    """Note that a file is back with the last cleanup that it may come from; returns its path.

    Earlier versions wrote no more than the path.
    """
    deletion = _deletion_of(value) if isinstance(value, dict) else None
    path = deletion.path if deletion else path_of(value, "restored")
    for one in reversed(cleanups):
        known = one.deletions.get(path)
        if known and (deletion is None or (known == deletion and path not in one.restored)):
            one.restored.add(path)
            break
    return path


def _deletion_of(row: dict[str, object]) -> Deletion:
    deletion = Deletion(
        path=path_of(row["path"], "path"),
        below=path_of(row["below"], "below"),
        place=text_of(row["place"], "place") and path_of(row["place"], "place"),
        permanent=row["permanent"] is True,
        digest=digest_of(row["digest"], "digest"),
        size=number_of(row["size"], "size", 0),
        mtime_ns=number_of(row["mtime_ns"], "mtime_ns"),
    )
    if deletion.path == deletion.below or not is_below(deletion.path, [deletion.below]):
        raise ValueError("path must lie below its input folder")
    if deletion.place and os.path.basename(os.path.dirname(deletion.place)) != "files":
        raise ValueError("place must lie in a trash")
    return deletion


def journal_of(output_dir: str) -> Journal | None:
    """The journal of an output folder; None for who has no key. Changes nothing on disk."""
    key, beside = signature.load_key(), signature.key_path()
    if key is None or beside is None:
        return None
    name = hashlib.sha256(os.fsencode(output_dir)).hexdigest()[:16]
    file = os.path.join(os.path.dirname(beside), f"cleanup-{name}.jsonl")
    return Journal(output_dir, file, key)
