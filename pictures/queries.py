"""What a store asks its tables, in SQL."""

MAY_HAVE_MOVED = "f.size = h.size AND f.mtime_ns = h.mtime_ns AND f.inode = h.inode AND h.inode"
# Who sets a file's time back to what it was can't set back when that was done.
SAME = f"{MAY_HAVE_MOVED} AND f.ctime_ns = h.ctime_ns"
MOVED = f"""
SELECT h.path, f.path FROM temp.here h JOIN files f ON {MAY_HAVE_MOVED}
WHERE h.path NOT IN (SELECT path FROM files) ORDER BY h.number
"""
KNOWN = f"""
SELECT h.number, f.digest, m.value, m.checksum, m.place
FROM temp.here h JOIN files f ON f.path = h.path AND {SAME}
JOIN made m ON m.method = ? AND m.digest = f.digest
WHERE EXISTS (SELECT 1 FROM pictures WHERE id = ?) ORDER BY h.number
"""
TOUCHED = f"""
SELECT h.number, f.digest FROM temp.here h JOIN files f ON f.path = h.path AND {MAY_HAVE_MOVED}
WHERE f.ctime_ns != h.ctime_ns ORDER BY h.number
"""
VALUE = """
SELECT value, checksum, place FROM made
WHERE method = ? AND digest = ? AND EXISTS (SELECT 1 FROM pictures WHERE id = ?)
"""
NOTED = "SELECT value, checksum, NULL FROM made WHERE method = ? AND digest = ?"
NOTE_SEEN = f"""
UPDATE files SET seen = ? WHERE seen < ?
AND path IN (SELECT h.path FROM temp.here h JOIN files f ON f.path = h.path AND {SAME})
"""
NOT_HERE = """
SELECT path, file_system FROM files
WHERE path > ? AND path < ? AND path NOT IN (SELECT path FROM temp.here)
"""
# What searches have left is of no one photo.
DROP_UNUSED = "DELETE FROM made WHERE method != ? AND digest NOT IN (SELECT digest FROM files)"
