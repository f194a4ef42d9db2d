"""What other programs keep for themselves is no candidate and no survivor; people's folders are."""

import json
from pathlib import Path

import pytest
from conftest import Library, Ran, picture

import finder
from disk import places
from disk.files import ImageFile

TRASHES, VERSIONS, PREVIEWS, LIBRARIES, _ = places.PLURALS.values()

# By kind: folders with a picture in each, and files that show what they are.
CLOSED = {
    TRASHES: (
        ".Trash/x .Trash-1000/files .Trashes/501 .local/share/Trash/files Trash .dtrash/files",
        "$RECYCLE.BIN/S-1-5-21 $Recycle.Bin RECYCLER/S-1-5 #recycle @Recycle .recycle/me",
        "Recycled/:Recycled/INFO2",
        ".Recycle.Bin trashbox .debris/2024-01-01 SyncDebris",
        "Network\\ Recycle\\ Bin\\ 1 Recycle\\ Bin\\ -\\ Volume_1 Network\\ Trash\\ Folder",
        "files_trashbin/files/Album.d1700000000 __groupfolders/trash/1",
        "Android/.Trash/com.sec.android.gallery3d com.sec.android.gallery3d/.Trash .globalTrash",
        "MIUI/Gallery/cloud/.trashBin .RecycleBinHW .oprecyclebin .$Trash$ .FileManagerRecycler",
        ".SynologyWorkingDirectory/#SynoRecycle #SynoRecycle Takeout/Google\\ Fotos/Papierkorb",
        "Takeout/Google\\ Photos/Bin Takeout/Google\\ Photos/Corbeille takeout-2/Fotos/Lixeira",
        "Google\\ Foto/Cestino Google\\ Fotos/Papelera Google\\ Foto's/Prullenbak",
        "Takeout/Zdjęcia/Kosz Takeout/Google\\ フォト/ゴミ箱 Takeout/Fotky/Kos\u030c Takeout/x/Koš",
        "Pictures/.Gallery2/recycle .estrongs/recycle .MobileBackups.trash",
    ),
    VERSIONS: (
        "files_versions/Album __groupfolders/versions/1 __groupfolders/2/versions .stversions/a",
        ".sync/Archive .SyncArchive .dropbox.cache/2024-01-01 .tmp.drivedownload/1",
        ".zfs/snapshot/daily .snapshot .snapshots/1/snapshot #snapshot/GMT-01 ~snapshot .ckpt",
        "@Recently-Snapshot .snaps .timemachine/0/2024-01-02-120000.backup",
        "@GMT-2024.01.01-00.00.00 Backups.backupdb/Mac/Latest .MobileBackups",
        "Mac.backupbundle/bands 2024-01-02-120000.previous",
        "Mac.sparsebundle/bands 2024-01-01-120000.backup",
        ".DocumentRevisions-V100/PerUID/501 .Spotlight-V100 .fseventsd",
        "System\\ Volume\\ Information FileHistory/me/PC/Data/C/Users",
        "backintime/pc/me/1/20240101-120000-123/backup timeshift/snapshots/2024 daily.0/home",
    ),
    PREVIEWS: (
        ".thumbnails .thumbs .thumbnail/x .cache/thumbnails/large @eaDir/a.jpg .@__thumb",
        "appdata_oc1234567890/preview/a/b",
        "2019/.wdmc MIUI/Gallery/cloud/.microthumbnailFile .@upload_cache .streams",
        "lychee/uploads/thumb/a lychee/uploads/small lychee/uploads/medium2x:"
        "lychee/uploads/medium/x,lychee/uploads/big/x",
        "pub/uploads/thumb pub/uploads/small pub/uploads/medium:pub/uploads/original/x",
        "gallery3/var/thumbs/Album gallery3/var/resizes Google/Picasa2/contactthumbs/a",
        "WhatsApp/Media/.Statuses WhatsApp/Media/.Links",
        "me/thumbnails/1:me/files_trashbin/x",
        "immich/thumbs/u/ab/cd immich-app/library/encoded-video/u",
        "x/thumbs/0a1b2c3d-0a1b-4c3d-8e9f-0a1b2c3d4e5f/ab",
        "pool/thumbs/u/ab:pool/thumbs/.immich",
        "tank/thumbs/u/ab:tank/upload/.immich",
        "disk/thumbs/u/ab disk/encoded-video/u:disk/upload/u/x",
        "photoprism/storage/cache/thumbnails/a photoprism/sidecar/2020 2020/.photoprism/sidecar",
        "state/cache/thumbnails/a:state/.ppstorage",
        "storage/cache/thumbnails storage/albums",
        "lone/storage/sidecar/2020",
        "Event/iMovie\\ Thumbnails PRIVATE/M4ROOT/THMBNL",
        "My\\ Catalog\\ Previews.lrdata/A My\\ Catalog\\ Smart\\ Previews.LRDATA x.lrcat-data",
        "My\\ Previews/A:My\\ Previews/previews.db,My\\ Previews/root-pixels.db",
        "My\\ Smart\\ Previews/A:My.lrcat",
        "RAW/CaptureOne/Cache/Thumbnails RAW/CaptureOne/Settings153 Adobe\\ Bridge\\ Cache",
        ".BridgeCache mipmaps-0123.d/3 .shotwell/thumbs/thumbs360 iPod\\ Photo\\ Cache/F00",
        "Mylio/Generated\\ Images.bundle/0 .photostructure _data/i/upload",
        "protected_media/thumbnails_big protected_media/faces userdata/Thumbnails/0",
        "Plex\\ Media\\ Server/Media/localhost jellyfin/metadata emby/cache",
        "Android/data/com.example/cache",
    ),
    LIBRARIES: (
        "Photos\\ Library.photoslibrary/originals/0 FOTOS.PHOTOSLIBRARY/resources/derivatives",
        "Fotos\\ Library/originals/0:Fotos\\ Library/database/Photos.sqlite",
        "Old/Masters/2014:Old/Database/photos.db",
        "Older/Resources/x:Older/database/photos.db",
        "PhotoData/Mutations:PhotoData/Photos.sqlite",
        "iPhoto\\ Library.photolibrary/Masters iPhoto\\ Library/Originals/2008",
        "Bilder/Originals/2008:Bilder/AlbumData.xml",
        "More/Modified:More/Library.iPhoto",
        "Old.aplibrary/Masters Old.migratedphotolibrary/Masters Vault.apvault/x",
        "First/Masters:First/Database/Library.apdb",
        "Aperture/Masters:Aperture/Database/apdb/Library.apdb",
        "Cloud.lrlibrary/x",
        "Cloud/originals:Cloud/Managed\\ Catalog.mcat",
        "Shots.cocatalog/Originals/2020",
        "Shots/Originals/2020:Shots/Anything.cocatalogdb",
        "Photo\\ Booth\\ Library/Pictures",
        "Photo\\ Booth\\ (old)/Pictures:Photo\\ Booth\\ (old)/Originals/x.mov",
        "2009/.picasaoriginals [Originals]",
        "2006/Originals:2006/Picasa.ini,2006/Originals/Thumbs.db,2006/CAT.jpg",
        "photos/upload/u/ab photos/library/me:photos/upload/.immich,photos/library/.immich",
        "Design.library/images/a.info:Design.library/metadata.json",
        "Talk.key/Data Letter.pages/Data Table.numbers/Data",
        "Talk/Data:Talk/Index.zip,Talk/Metadata/Properties.plist",
        "Talk2/Data:Talk2/Metadata/BuildVersionHistory.plist",
        "Film.imovielibrary/x Film.fcpbundle/x Film.rcproject/x My\\ Film.theater/x",
        "Event/x:Event/CurrentVersion.imovieevent",
        "Film/x/Original\\ Media:Film/CurrentVersion.flexolibrary",
        "Song.band/Media Viewer.app/Contents Note.rtfd Live.pvt",
    ),
}

# A result of ours; the walk names it otherwise.
RESULT = "old/1:old/image-similarity-search.json"

# What a person may call a folder, though some program calls one alike.
OPEN = (
    "2019/Originals 2019/Masters previews Previews/a thumbs thumbnails Trash\\ the\\ dress Trashy",
    "recycled originals Modified library upload storage/photos cache CaptureOne Capture\\ One data",
    "Photo\\ Booth Photo\\ booth\\ wedding/Pictures Lightroom Immich\\ export iphoto",
    "database snapshots",
    "Snapshots versions Versions files Keys profile Backups backup daily",
    "Database/photos Old\\ Photos",
    "Recycling key pages Keynote Movies.2019 app Album.d1700000000 thumbs.2020 encoded-video",
    "Originals/Originals Pictures Time\\ Machine Dropbox Nextcloud/files Synology 2019.01.01",
    "appdata",
    "my.band Theatre.app app.2019/Contents",
    "talk/data:talk/index.zip",
    "mine/photos:mine/database/photos.db",
    "pictures/2019:pictures/My.cocatalogdb",
    "session/Capture:session/session.cosessiondb",
    "catalog/2019:catalog/My.lrcat",
    "picasa/Originals picasa/b/originals:picasa/.picasa.ini,picasa/b/cat.gif",
    "namesakes namesakes/Originals",
    "phone/DCIM:phone/Photos.sqlite",
    "Takeout/Google\\ Photos/Photos\\ from\\ 2019 Takeout/Google\\ Photos/Bingo Bin Corbeille",
    "uploads/thumb uploads/small medium small thumb gallery3/var/albums albums/thumbs resizes",
    "Picasa2/2009 WhatsApp/Media/WhatsApp\\ Images Statuses streams wdmc",
    "lychee/big:lychee/thumb/x,lychee/small/x,lychee/medium/x",
)


def folders_of(row: str) -> tuple[list[str], list[str]]:
    """The folders and the signs that a row names; a blank in a name has a backslash before it."""
    folders, _, signs = row.replace("\\ ", "\0").partition(":")
    return (
        [name.replace("\0", " ") for name in folders.split()],
        [sign.replace("\0", " ") for sign in signs.split(",") if sign],
    )


def plant(top: Path, row: str) -> list[Path]:
    """Make a row's folders with a picture in each, and its signs; returns the pictures."""
    folders, signs = folders_of(row)
    planted = [top / folder / "cat.jpg" for folder in folders]
    for path, data in [(p, picture("2024/cat.jpg")) for p in planted] + [
        (top / sign, b"x") for sign in signs
    ]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return planted


def walked(*folders: Path) -> list[finder.Found]:
    return list(finder.walk([str(folder) for folder in folders]))


def photos_in(found: list[finder.Found]) -> list[str]:
    return [item.path for item in found if isinstance(item, ImageFile)]


@pytest.mark.parametrize(
    ("kind", "row"), [(kind, row) for kind, rows in CLOSED.items() for row in rows]
)
def test_what_another_program_keeps_for_itself_is_passed_over(
    kind: str, row: str, tmp_path: Path
) -> None:
    plant(tmp_path, "album")
    planted = plant(tmp_path, row)
    found = walked(tmp_path)
    assert str(tmp_path / "album/cat.jpg") in photos_in(found)
    assert not set(photos_in(found)) & set(map(str, planted))
    closed = [i for i in found if isinstance(i, finder.Skipped) and Path(i.path).is_dir()]
    surroundings = places.Surroundings()
    for path in planted:
        assert [item.kind for item in closed if path.is_relative_to(item.path)] == [kind]
        assert surroundings.whose(str(path)), path
    assert surroundings.whose(str(tmp_path / "album/cat.jpg")) is None


def test_each_row_of_the_table_is_tried(tmp_path: Path) -> None:
    tried = {places.Surroundings().place_of(str(plant(tmp_path / "own", RESULT)[0].parent))}
    for number, row in enumerate(row for rows in CLOSED.values() for row in rows):
        top = tmp_path / f"{number}"
        for path in plant(top, row):
            tried.add(places.Surroundings().place_of(str(path.parent)))
    assert [place for place in places.TABLE if place not in tried] == []


@pytest.mark.parametrize("row", OPEN)
def test_a_person_s_own_folder_stays_open(row: str, tmp_path: Path) -> None:
    planted = plant(tmp_path, row)
    found = walked(tmp_path)
    assert set(photos_in(found)) >= set(map(str, planted))
    for path in planted:
        assert places.Surroundings().whose(str(path)) is None


FILES = {
    "trashed files": ".trashed-1700000000-a.jpg",
    "unfinished files": ".pending-1700000000-a.jpg",
    "previews": "0a1b2c3d-0a1b-4c3d-8e9f-0a1b2c3d4e5f-preview.jpeg",
    "companion files of macOS": "._a.jpg",
}


@pytest.mark.parametrize(("kind", "name"), FILES.items())
def test_a_file_of_another_program_is_passed_over(kind: str, name: str, tmp_path: Path) -> None:
    for name_in_folder in ("a.jpg", name, f"below/{name}"):
        path = tmp_path / name_in_folder
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture("2024/cat.jpg"))
    found = walked(tmp_path)
    assert photos_in(found) == [str(tmp_path / "a.jpg")]
    assert [i.kind for i in found if isinstance(i, finder.Skipped)] == [kind, kind]


def test_a_trash_that_may_not_be_listed_is_no_unreadable_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, "System\\ Volume\\ Information .Trashes")
    scandir = finder.os.scandir

    def refuse(path: str) -> object:
        if path != str(tmp_path):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(finder.os, "scandir", refuse)
    found = walked(tmp_path)
    assert [type(item) for item in found] == [finder.Skipped, finder.Skipped]


# ---- An input folder inside


@pytest.mark.parametrize(
    ("row", "input_dir"),
    [
        ("Photos\\ Library.photoslibrary/originals/0", "Photos Library.photoslibrary"),
        ("Photos\\ Library.photoslibrary/originals/0", "Photos Library.photoslibrary/originals/0"),
        ("Fotos/originals/0:Fotos/database/Photos.sqlite", "Fotos"),
        ("Fotos/originals/0:Fotos/database/Photos.sqlite", "Fotos/originals/0"),
        ("files_trashbin/files", "files_trashbin/files"),
        (".stversions/a", ".stversions"),
        (RESULT, "old"),
        (RESULT, "old/1"),
    ],
)
def test_nothing_is_taken_from_an_input_folder_inside_such_a_place(
    row: str, input_dir: str, bare_library: Library
) -> None:
    plant(bare_library.photos, row)
    folder = str(bare_library.photos / input_dir)
    ran = bare_library.run("find", "--input-dir", folder)
    assert ran.code == 2
    assert ran.err.startswith(f"error: INPUT_DIR {folder} lies in a ")
    assert len(ran.err.splitlines()) == 1
    assert not bare_library.output.exists()


# ---- Records made before


def found_when_open(library: Library, row: str, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """What an earlier version made of it, which knew no such places."""
    plant(library.photos, row)
    with monkeypatch.context() as context:
        context.setattr(finder, "place_at", lambda *_: None)
        return library.find("--json")


@pytest.mark.parametrize(
    "row",
    [
        ".trashBin",
        "files_trashbin/files/Album.d1700000000",
        "Fotos/originals:Fotos/database/Photos.sqlite",
        ".stversions",
    ],
)
def test_what_lies_with_another_program_is_no_survivor_and_is_kept(
    row: str, bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = bare_library
    library.add("album/cat.jpg")
    ran = found_when_open(library, row, monkeypatch)
    (group,) = ran.facts["groups"]
    inside = next(path for path in group if "album" not in path)
    for doomed, kept, reason in (
        (str(library.photos / "album/cat.jpg"), inside, "no other original of its group"),
        (inside, str(library.photos / "album/cat.jpg"), "it lies in a "),
    ):
        copies = json.loads((library.output / "info.txt").read_text("utf-8"))
        data = Path(copies[doomed]).read_bytes()
        Path(copies[doomed]).unlink()
        assert library.check().code == 0
        ran = library.cleanup("--json", "--yes")
        assert ran.code == 1
        (entry,) = ran.facts["kept"]
        assert (entry["path"], entry["reason"][: len(reason)]) == (doomed, reason)
        assert Path(doomed).exists()
        assert Path(kept).exists()
        Path(copies[doomed]).write_bytes(data)


def test_copies_in_another_result_are_no_survivors(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier version took a result that was named as an input folder."""
    library = bare_library
    library.add("cat.jpg")
    library.add("cat2.jpg", quality=70)
    first = library.folder / "first"
    library.find("--output-dir", str(first))
    with monkeypatch.context() as context:
        context.setattr(finder, "place_at", lambda *_: None)
        context.setattr(finder, "_check_open", lambda _: None)
        library.find("--input-dir", str(library.photos), "--input-dir", str(first))
    assert len(library.info()) == 4
    library.delete_copies("cat.jpg", "cat2.jpg")
    assert library.check().code == 0
    ran = library.cleanup("--json")
    assert [entry["reason"] for entry in ran.facts["kept"]] == [
        "no other original of its group would remain"
    ] * 2
    assert library.names() == ["cat.jpg", "cat2.jpg"]
