"""Whether a person or a program named a folder or a file, judged by the name alone.

Two files that are equal in all else differ in where they lie. An album that somebody filled says
more than the folder of a card, a phone, a messenger or a backup; of `a.jpg` and `a (1).jpg` the
second is the copy. Languages: English, German, French, Spanish, Italian, Dutch, Portuguese. All
words here are in small letters and without accents, as `_plain` makes them.
"""

import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from enum import Enum
from functools import lru_cache


class Kind(Enum):
    """Who made a folder, and what for."""

    NAMED = "by a person"
    ORDINARY = "a date, a name that says nothing, or a system's own folder"
    CAMERA = "by a camera, a phone or what reads their cards"
    COPIES = "for what is a copy of something: backups, downloads, what was sent"
    PASSING = "for a while"


# Where a folder of a name is ordinary, as it is the same for everybody.
ORDINARY = """
afbeeldingen; area de trabalho; bild; bilder; bureau; bureaublad; data; desktop; dateien; documenti;
documentos; documents; documenten; dokumente; dropbox; eigene bilder; eigene dateien; escritorio;
files; foto; fotografie; fotografias; fotos; foto s; gallery; galerie; galeria; google drive;
google foto; google fotos; google photos; home; icloud drive; icloud photos; images; imagenes;
imagens; immagini; library; mediathek; media; meine bilder; mes images; mijn afbeeldingen;
minhas imagens; mis imagenes; my documents; my photos; my pictures; nextcloud; onedrive; originals;
photo; photos; pictures; picture; private; public; schreibtisch; scrivania; shared; sync; usb;
users; celular; computer; handy; ipad; iphone; laptop; mobile; movil; pc; phone; smartphone;
telefono; telefoon; telemovel; telephone; sdcard; sd card; storage; emulated; android;
internal storage
"""
CAMERA = """
appareil photo; auto upload; camara; camera; camera imports; camera import; camera roll;
camera upload; camera uploads; camerauploads; carrete; dcim; eigene aufnahmen; filmrol; filmrolle;
fotocamera; imported; imports; instant upload; instantupload; kamera; kamera uploads;
my photo stream; open camera; opencamera; pellicule; photo stream; rolo da camara; rolo da camera;
rollo de camara; rullino; saved pictures; gespeicherte bilder; sofortupload;
carpeta sin titulo; cartella senza titolo; dossier sans titre; naamloze map; neuer ordner;
neuer ordner mit objekten; new folder; nieuwe map; nouveau dossier; nova pasta; nueva carpeta;
nuova cartella; ordner ohne titel; pasta sem nome; pasta sem titulo; unbenannter ordner;
untitled folder; untitled; unbenannt
"""
COPIES = """
adjuntos; airdrop; allegati; anexos; anhange; attachments; baixados; bijlagen;
bildschirmaufnahmen; bildschirmfotos; bluetooth; captures d ecran; capturas de ecra;
capturas de pantalla; capturas de tela; converted; copia; copias; copie; copies; copy; descarga;
descargas; discord; download; downloaded; downloads; doublons; dupes; duplicados; duplicate;
duplicates; duplicaten; duplicati; duplikate; empfangen; enviadas; enviado; enviados; envoye;
envoyes; export; exported; exports; exportiert; facebook; gedownload; gesendet; heruntergeladen;
img export; inshot; instagram; inviate; inviati; kakaotalk; kopie; kopien; kopieen; line; mail;
mail downloads; messenger; mobile uploads; my downloads; ontvangen; pieces jointes; pinterest;
quick share; quickshare; received; received files; recebidas; recebidos; recibidos; recu; recus;
reddit; resized; ricevute; ricevuti; scaricamenti; scaricate; scaricati; schermafbeeldingen;
schermate; schermopnamen; screen captures; screen shots; screenshot; screenshots; sent; sent items;
signal; skype; snapchat; snapseed; telechargement; telechargements; threema; transferencias;
twitter; verzonden; viber; vsco; wechat; weixin
"""
PASSING = """
cache; caches; cestino; corbeille; lixeira; lost dir; lost found; papelera; papierkorb; prullenbak;
recovered; recup dir; recycle bin; temporaire; temporales; temporanei; temporarios; temporary;
temporary items; tijdelijk; trash; wiederhergestellt
"""
KINDS = {
    name.strip(): kind
    for kind, names in (
        (Kind.ORDINARY, ORDINARY),
        (Kind.CAMERA, CAMERA),
        (Kind.COPIES, COPIES),
        (Kind.PASSING, PASSING),
    )
    for name in names.replace("\n", " ").split(";")
}
# Words that say it in any name: "old phone backup", "takeout-20200101T1000Z-001", "tmp_photos".
WORDS = {
    Kind.PASSING: re.compile(r"\b(?:tmp|temp)\b"),
    Kind.COPIES: re.compile(
        r"backup|back up|takeout|whatsapp|telegram|\b(?:bak|datensicherung|respaldo|respaldos|"
        r"reservekopie|sauvegardes?|sicherheitskopien?|sicherung|sicherungen)\b"
        r"|copias? de seg\w+"
    ),
    Kind.CAMERA: re.compile(r"\bdcim\b"),
}
# What says it before whatever words.
ALWAYS = re.compile(r"whatsapp|telegram|dcim|copia")
# As cameras number theirs: 100APPLE, 101_PANA, 102MSDCF.
CARD = re.compile(r"[1-9]\d\d[A-Z0-9_]{5}")
UNIQUE = re.compile(r"(?=.*\d)[0-9a-f-]{16,}", re.IGNORECASE)  # a digest or a UUID
MONTHS = """
january february march april may june july august september october november december
januar februar marz mai juni juli oktober dezember
janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
januari februari maart mei augustus
janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro
jan feb mar apr jun jul aug sep sept oct okt nov dec dez
""".split()
# "Photos from 2019" is as much of a date as "2019" is.
FROM = "aus da dal de del di du foto from fotos of photo photos s uit van von".split()
DATED = frozenset((*MONTHS, *FROM))

COPY = r"(?:copy|copies|kopie|copie|copia|duplicate|duplikat|duplicado|duplicato|duplicaat)"
# "a - Copy", "a copy 2", "a (another copy)", "a_kopie", "Copy of a".
MARKED = re.compile(
    rf"(?:.*[\s_.(-])?{COPY}[\s_-]*(?:\d+|\(\d+\))?\)?"
    rf"|{COPY}(?: \(?\d+\)?)? (?:of|von|de|di|van|da|do) .*"
)
EDITED = re.compile(
    r".*[\s_.(-](?:edited|edit|bearbeitet|modifie|editado|editada|modificato|modificata|bewerkt)\)?"
)
NUMBERED = re.compile(r"(.*?)[\s_]*(?:\(\d{1,2}\)|~\d{1,2})")
# What cameras and programs call a picture: IMG_0001, DSC01234, PXL_20190714_101112, image.
NUMBERS_NAME = frozenset(
    "afbeelding bild cimg dji download dsc dscf dscn file foto gopr hpim imag image imagem "
    "imagen img immagine kif mg mvi p pict picture photo pxl received sam unnamed untitled wa "
    "whatsapp wp".split()
)
# Where a person's files begin; the names on the way are those of users and disks.
SYSTEM = re.compile(r"/(?:home|Users|mnt|Volumes|(?:run/)?media/[^/]+)/[^/]+(?=/|$)")


@lru_cache(maxsize=65536)
def kind_of(folder: str) -> Kind:
    """Who made a folder, by its own name."""
    plain = _plain(folder)
    words = [token for token in plain.split() if not token.isdigit()]
    if kind := _by_telling_words(plain):
        return kind
    if CARD.fullmatch(folder) and not folder.isdigit():
        return Kind.CAMERA
    if DATED.issuperset(words) or UNIQUE.fullmatch(folder):
        return Kind.ORDINARY
    if kind := KINDS.get(plain) or KINDS.get(" ".join(words)):
        return kind
    return Kind.COPIES if MARKED.fullmatch(_lower(folder)) else Kind.NAMED


def _by_telling_words(plain: str) -> Kind | None:
    """Who made a folder, by words that tell it in any name; None if there are none."""
    for kind, words in WORDS.items():
        if match := words.search(plain):
            # Before other words it may be what a person means: "Backup singers".
            meant = not ALWAYS.match(match[0]) and _has_others_words(plain[match.end() :])
            return Kind.CAMERA if meant else kind
    return None


def _has_others_words(rest: str) -> bool:
    """Whether words are left that say neither a date, nor a device, nor what everybody says."""
    words = {word for word in rest.split() if word.isalpha()}
    return not words <= {*KINDS, *DATED} and rest.strip() not in KINDS


def ranks(paths: Sequence[str]) -> list[int]:
    """How much the folders of some files are a person's own, from 0; what they share says nothing.

    A folder for copies counts against all that is in it; a card's within an album is the album's.
    """
    split = [_folders_of(path) for path in paths]
    shared = 0
    while len({parts[: shared + 1] for parts in split}) == 1 and shared < len(split[0]):
        shared += 1
    inside = [parts[shared:] for parts in split]
    names = {_lower(name) for parts in inside for name in parts}
    return [_rank([_kind_beside(name, names) for name in parts]) for parts in inside]


def _folders_of(path: str) -> tuple[str, ...]:
    folder = os.path.dirname(path)
    below = SYSTEM.match(folder)
    return tuple(part for part in folder[below.end() if below else 0 :].split(os.sep) if part)


def _kind_beside(folder: str, others: Collection[str]) -> Kind:
    numbered = NUMBERED.fullmatch(_lower(folder))
    return Kind.COPIES if numbered and numbered[1] in others else kind_of(folder)


def _rank(kinds: Sequence[Kind]) -> int:
    telling = [kind for kind in kinds if kind is not Kind.ORDINARY]
    if Kind.PASSING in telling:
        return 0
    if Kind.COPIES in telling:
        # Somebody's order, be it in a backup, is as good as the camera's.
        return 2 if telling[-1] is Kind.NAMED else 1
    if not telling:
        return 3
    if Kind.NAMED not in telling:
        return 2
    return 5 if telling[-1] is Kind.NAMED else 4


def are_copies(paths: Sequence[str]) -> list[bool]:
    """Which of some files have the name of a copy.

    A number counts if another of them has the name without it, or no person gave the name.
    """
    stems = [_lower(os.path.splitext(os.path.basename(path))[0]) for path in paths]
    return [_is_copy(stem, stems) for stem in stems]


def _is_copy(stem: str, stems: Sequence[str]) -> bool:
    if MARKED.fullmatch(stem) or EDITED.fullmatch(stem):
        return True
    numbered = NUMBERED.fullmatch(stem)
    if not numbered:
        return False
    words = [word for word in re.split(r"[\W\d_]+", numbered[1]) if word]
    return numbered[1] in stems or NUMBERS_NAME.issuperset(words)


def _lower(name: str) -> str:
    """A name in small letters without accents, however they are written."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _plain(name: str) -> str:
    """The words of a name, with a blank between any two."""
    return " ".join(re.split(r"[\W_]+", _lower(name))).strip()
