"""Which folders and names are a person's, and which a camera's or a program's."""

import pytest

from extras.review.folders import Kind, are_copies, kind_of, ranks

FOLDERS = {
    Kind.NAMED: """2019 Wedding; Album; Paris; Familie; Grandma's 80th; Ordner mit Oma; Urlaub 2020;
        2019-07-14 Hochzeit; Best of 2019; Versicherung; Photocopy shop; Temple; Les vacances; Été;
        100 years of us; Anna (left) and Tom; 日本; Mariage; Vacaciones; Matrimonio; Bruiloft;
        Casamento; Camera club; Signal Hill; Maya""",
    Kind.ORDINARY: """2019; 07; 2019-07-14; 2019_07; 20190714; 201907; July 2019; 07 Juli;
        août 2020; Jul 14, 2019; 14 luglio 2019; Photos from 2019; Fotos von 2019; Photos de 2019;
        Fotos de 2019; Foto del 2019; Foto's uit 2019; Pictures; My Pictures; Eigene Bilder;
        Mes images; Imágenes; Immagini; Afbeeldingen; Imagens; Fotos; iPhone; Handy;
        3f2504e04f8911d39a0c0305e82c3301; Originals; 1""",
    Kind.CAMERA: """DCIM; dcim; 100APPLE; 101_PANA; 102MSDCF; 100CANON; 100ANDRO; 202406__; Camera;
        Camera Roll; Camera Uploads; Kamera; Appareil photo; Cámara; Fotocamera; Câmera; Eigene
        Aufnahmen; DCIM 2019; New folder; New folder (2); Neuer Ordner; Nouveau dossier; Nueva
        carpeta; Nuova cartella; Nieuwe map; Nova pasta; untitled folder""",
    Kind.COPIES: """Backup; backup_2019; Old phone backup; Backups; PhotoBackup; Sicherung;
        Sauvegarde; Copia de seguridad; Copia di backup; Reservekopie; Cópia de segurança; Takeout;
        takeout-20200101T100000Z-001; WhatsApp; WhatsApp Images; WhatsApp Business Images; Sent;
        Telegram Desktop; Bluetooth; Received; Downloads; Download; Heruntergeladen;
        Téléchargements; Descargas; Scaricati; Gedownload; Transferências; Screenshots;
        Bildschirmfotos; Captures d'écran; Capturas de pantalla; Schermafbeeldingen; Gesendet;
        Envoyés; Enviados; Inviati; Verzonden; IMG_export; Kopie; Copies; Copias; Wedding - Copy;
        Hochzeit Kopie; Kopie von Hochzeit; Copie de Mariage; Copia de Boda; Kopie van Bruiloft""",
    Kind.PASSING: "tmp; Temp; tmp_photos; .cache; Papierkorb; Corbeille; Cestino; recup_dir.12",
}
NAMES = [(kind, " ".join(name.split())) for kind in FOLDERS for name in FOLDERS[kind].split(";")]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_folders_name_says_who_made_it(kind: Kind, name: str) -> None:
    assert kind_of(name) is kind


@pytest.mark.parametrize(
    ("better", "other"),
    [
        ("/p/2019 Wedding/a.jpg", "/p/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/2019/07/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/DCIM/100APPLE/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/Backup/2019 Wedding/a.jpg"),
        ("/p/Wedding/2019/a.jpg", "/p/2019/Downloads/a.jpg"),
        ("/p/DCIM/Wedding/a.jpg", "/p/DCIM/100APPLE/a.jpg"),
        ("/p/2019 Wedding/DCIM/100CANON/a.jpg", "/p/Backup/2019 Wedding/a.jpg"),
        ("/p/Best ones/a.jpg", "/p/2019 Wedding/DCIM/100CANON/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/2019 Wedding/DCIM/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/2019 Wedding (1)/a.jpg"),
        ("/p/2019 Wedding/a.jpg", "/p/2019 Wedding - Kopie/a.jpg"),
        ("/p/2019/a.jpg", "/p/DCIM/a.jpg"),
        ("/p/a.jpg", "/p/tmp/a.jpg"),
        ("/p/DCIM/a.jpg", "/p/Takeout/Google Photos/Photos from 2019/a.jpg"),
        ("/p/Takeout/Google Photos/Paris/a.jpg", "/p/Takeout/Google Photos/Photos from 2019/a.jpg"),
        ("/p/Backup/Paris/a.jpg", "/p/Backup/DCIM/a.jpg"),
        ("/p/Downloads/a.jpg", "/p/tmp/a.jpg"),
        ("/tmp/x/2019 Wedding/a.jpg", "/tmp/x/DCIM/a.jpg"),
        ("/media/me/DISK/Paris/a.jpg", "/home/me/DCIM/a.jpg"),
        ("/home/me/a.jpg", "/home/me/Downloads/a.jpg"),
        ("/p/DCIM/a.jpg", "/p/backup of phone 2019/a.jpg"),
        ("/p/DCIM/a.jpg", "/p/Backup my photos/a.jpg"),
        ("/p/DCIM/a.jpg", "/p/temp files/a.jpg"),
        ("/home/me/a.jpg", "/mnt/nas/Backup/a.jpg"),
    ],
)
def test_a_persons_folder_ranks_before_a_programs(better: str, other: str) -> None:
    first, second = ranks([better, other])
    assert first > second
    assert ranks([other, better]) == [second, first]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/p/Paris/a.jpg", "/p/2019 Wedding/a.jpg"),
        ("/p/Paris/a.jpg", "/p/A much longer name/of two folders/a.jpg"),
        ("/p/Paris/a.jpg", "/p/Paris/b.jpg"),
        ("/p/2019/a.jpg", "/p/a.jpg"),
        ("/p/Backup/Paris/a.jpg", "/p/DCIM/a.jpg"),
        ("/p/Backup/a.jpg", "/p/Downloads/a.jpg"),
        ("/p/Backup singers/a.jpg", "/p/DCIM/a.jpg"),
        ("/p/Temp of Ban Chan Angkor/a.jpg", "/p/DCIM/a.jpg"),
        ("/p/Our backup band/a.jpg", "/p/DCIM/100APPLE/a.jpg"),
        ("/p/Takeout dinner with Anna/a.jpg", "/p/Camera/a.jpg"),
        ("/p/Wedding (1)/a.jpg", "/p/Wedding (2)/a.jpg"),
        ("/home/anna/a.jpg", "/home/tom/a.jpg"),
    ],
)
def test_folders_of_one_kind_rank_alike(one: str, other: str) -> None:
    first, second = ranks([one, other])
    assert first == second


@pytest.mark.parametrize(
    "name",
    """a (1); a(2); a (12); a~2; a copy; a copy 2; a - Copy; a - Copy (2); a_copy; Copy of a;
    Copy (2) of b; a (copy); a (another copy); a (3rd copy); a - Kopie; a Kopie 2; Kopie von a;
    a - Copie; Copie de a; a (copie); a - copia; Copia de a; Copia di a; a - kopie; Kopie van a;
    a - Cópia; Cópia de a; a duplicate; a-edited; a_bearbeitet; a-modifié""".split(";"),
)
def test_a_copy_is_known_by_its_name(name: str) -> None:
    paths = [f"/p/{name.strip()}.jpg", "/q/a.JPG"]
    assert are_copies(paths) == [True, False]
    assert are_copies(paths[::-1]) == [False, True]


def test_a_number_counts_where_no_person_gave_the_name() -> None:
    assert are_copies(["/p/Wedding (12).jpg", "/p/IMG_0001.jpg"]) == [False, False]
    assert are_copies(["/p/IMG_0001 (1).jpg", "/p/Grandma.jpg"]) == [True, False]
    assert are_copies(["/p/image(3).jpg", "/p/20190714_101112.jpg"]) == [True, False]


@pytest.mark.parametrize("name", ["photocopy", "IMG_0001", "a copyist", "Kopiert", "2019 (summer)"])
def test_other_names_are_no_copies(name: str) -> None:
    assert are_copies([f"/p/{name}.jpg"]) == [False]
