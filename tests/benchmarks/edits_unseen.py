"""The kinds of edit of the split `unseen`, on which no number of the product is chosen.

EDITS_UNSEEN names them, as edits.EDITS names those of the other splits; no kind is in both. A
function gets an upright RGB picture, a seeded Random and as many other pictures as `others` says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import unseen_geometry as geometry
import unseen_layouts as layouts
import unseen_overlays as overlays
import unseen_tones as tones
from edits import BLACK, WHITE, Edit, Picture, same
from unseen_geometry import after, kept, shaped, tilted_by


@dataclass(frozen=True)
class Unseen(Edit):
    """A kind of edit that may show other pictures, too.

    `alike` says that these are as large as the first: then the result is a copy of any of them.
    """

    change: Callable[..., Picture]
    others: int = 0
    alike: bool = False


def webp(quality: int) -> tuple[str, dict[str, int]]:
    return ".webp", {"quality": quality}


GREEN = (40, 120, 90)
EDITS_UNSEEN: tuple[Unseen, ...] = (
    *(Unseen(f"tilted {angle}", "tilted", tilted_by(angle)) for angle in (7, 10, 15, 20, 30, 38)),
    *(Unseen(f"tilted {a} whole", "tilted", tilted_by(a, whole=True)) for a in (12, 30, 45)),
    Unseen("mirrored, tilted 12", "tilted", after(geometry.mirror, tilted_by(12))),
    *(Unseen(f"straightened {a}", "straightened", geometry.straightened(a)) for a in (3, 6, 12)),
    Unseen("story blurred", "story", layouts.story_blurred),
    Unseen("story text", "story", layouts.story_text),
    Unseen("story plain", "story", layouts.story_plain),
    Unseen("story gradient", "story", layouts.story_gradient),
    Unseen("story shared", "story", layouts.story_shared),
    Unseen("avatar 200", "avatar", geometry.avatar(200)),
    Unseen("avatar 96", "avatar", geometry.avatar(96)),
    Unseen("avatar round", "avatar", geometry.avatar_round(160, WHITE)),
    Unseen("avatar round 96", "avatar", geometry.avatar_round(96, BLACK)),
    Unseen("avatar ring", "avatar", geometry.avatar_round(200, WHITE, GREEN)),
    *(Unseen(f"collage {n}", "collage", layouts.collage, others=n - 1, alike=True) for n in (2, 3)),
    *(Unseen(f"collage {n}", "collage", layouts.collage, others=n - 1, alike=True) for n in (4, 6)),
    Unseen("album page", "collage", layouts.album_page, others=2, alike=True),
    Unseen("scrapbook", "collage", layouts.scrapbook, others=3, alike=True),
    Unseen("inset", "collage", layouts.inset, others=1),
    Unseen("inset round", "collage", layouts.inset_round, others=1),
    Unseen("print on a table", "rephotographed", geometry.print_on_table, save={"quality": 80}),
    Unseen("print close up", "rephotographed", geometry.print_close_up, save={"quality": 80}),
    Unseen("screen at an angle", "rephotographed", geometry.screen_photographed),
    Unseen("screen close up", "rephotographed", geometry.screen_close_up),
    Unseen("projected", "rephotographed", geometry.projected),
    *(Unseen(f"kept {part} %", "cropped hard", kept(part / 100)) for part in (60, 40, 30, 20, 10)),
    Unseen("kept 50 % freely", "cropped hard", kept(0.5, freedom=0.5)),
    Unseen("kept 25 % freely", "cropped hard", kept(0.25, freedom=0.6)),
    Unseen("9:16", "cropped to a shape", shaped(9 / 16)),
    Unseen("4:5", "cropped to a shape", shaped(4 / 5, 0.96)),
    Unseen("3:1", "cropped to a shape", shaped(3)),
    Unseen("1:2", "cropped to a shape", shaped(1 / 2)),
    Unseen("small square", "cropped to a shape", shaped(1, 0.7)),
    Unseen("turned, kept 70 %", "turned and cropped", after(geometry.quarter, kept(0.7))),
    Unseen("turned, kept 40 %", "turned and cropped", after(geometry.quarter, kept(0.4, 0.3))),
    Unseen("head down, kept 50 %", "turned and cropped", after(geometry.upside_down, kept(0.5))),
    Unseen("mirrored, kept 60 %", "turned and cropped", after(geometry.mirror, kept(0.6))),
    Unseen("mirrored, square", "turned and cropped", after(geometry.mirror, shaped(1, 0.95))),
    Unseen("mirrored, 9:16", "turned and cropped", after(geometry.mirror, shaped(9 / 16))),
    Unseen("flipped, kept 50 %", "turned and cropped", after(geometry.flip, kept(0.5))),
    Unseen("inverted", "inverted", tones.inverted),
    Unseen("inverted, gray", "inverted", tones.inverted_gray),
    Unseen("film negative", "inverted", tones.film_negative),
    Unseen("sketch", "sketch", tones.sketch),
    Unseen("edges", "sketch", tones.edges),
    Unseen("embossed", "sketch", tones.embossed),
    Unseen("posterised", "painted", tones.posterised),
    Unseen("oil", "painted", tones.oil),
    Unseen("cartoon", "painted", tones.cartoon),
    Unseen("solarised", "painted", tones.solarised),
    Unseen("halftone fine", "dithered", tones.halftone(6)),
    Unseen("halftone coarse", "dithered", tones.halftone(14)),
    Unseen("GIF 16 colours", "dithered", tones.few_colours(16), ".gif", {}),
    Unseen("PNG 6 colours", "dithered", tones.few_colours(6), ".png", {}),
    Unseen("1 bit dithered", "dithered", tones.one_bit, ".png", {}),
    Unseen("1 bit hard", "dithered", tones.one_bit_hard, ".png", {}),
    Unseen("bars", "censored", overlays.barred),
    Unseen("pixelated box", "censored", overlays.pixelated),
    Unseen("blurred oval", "censored", overlays.blurred_part),
    Unseen("large box", "censored", overlays.boxed),
    Unseen("scribbled", "censored", overlays.scribbled),
    Unseen("stickers at the frame", "sticker", overlays.stickers_around),
    Unseen("six stickers", "sticker", overlays.stickers_within(6)),
    Unseen("twenty stickers", "sticker", overlays.stickers_within(20)),
    Unseen("large sticker", "sticker", overlays.sticker_large),
    Unseen("circle and arrow", "sticker", overlays.pointed_at),
    Unseen("blurred sides, 16:9", "letterboxed", layouts.blurred_sides(16 / 9)),
    Unseen("blurred sides, square", "letterboxed", layouts.blurred_sides(1)),
    Unseen("coloured bars", "letterboxed", layouts.coloured_bars),
    Unseen("wide margin", "framed anew", layouts.wide_margin),
    Unseen("rounded corners", "framed anew", layouts.rounded_corners),
    Unseen("passe-partout", "framed anew", layouts.passe_partout),
    Unseen("film strip", "framed anew", layouts.film_strip),
    Unseen("caption above", "meme", layouts.caption_above),
    Unseen("poster", "meme", layouts.poster),
    Unseen("subtitled", "meme", layouts.subtitled),
    Unseen("chat", "app", layouts.chat, ".png", {"compress_level": 3}),
    Unseen("gallery", "app", layouts.gallery, ".png", {"compress_level": 3}),
    Unseen("web page", "app", layouts.web_page, ".png", {"compress_level": 3}),
    Unseen("video player", "app", layouts.video_player),
    Unseen("feed", "app", layouts.feed),
    Unseen("slide", "app", layouts.slide, ".png", {"compress_level": 3}),
    Unseen("watermark tiled", "marked", overlays.tiled_mark),
    Unseen("watermark crossed", "marked", overlays.crossed_mark),
    Unseen("agency foot", "marked", overlays.agency_foot),
    Unseen("HDR", "toned hard", tones.high_range),
    Unseen("faded", "toned hard", tones.faded),
    Unseen("duotone", "toned hard", tones.duotone),
    Unseen("night", "toned hard", tones.at_night),
    Unseen("hard gray", "toned hard", tones.hard_gray),
    Unseen("cold", "toned hard", tones.cold),
    Unseen("other hues", "toned hard", tones.other_hues),
    Unseen("cross-processed", "toned hard", tones.crossed),
    Unseen("overexposed", "toned hard", tones.overexposed),
    Unseen("vignette", "toned hard", tones.vignette),
    Unseen("light leak", "toned hard", tones.light_leak),
    Unseen("barrel", "distorted", geometry.lens(0.18)),
    Unseen("pincushion", "distorted", geometry.lens(-0.14)),
    Unseen("perspective", "distorted", geometry.in_perspective),
    Unseen("stretched 1.3", "distorted", geometry.stretched(1.3, 1)),
    Unseen("squashed 1.5", "distorted", geometry.stretched(1, 1.5)),
    Unseen("middle cut out", "in pieces", geometry.middle_out),
    Unseen("half mirrored", "in pieces", geometry.half_mirrored),
    Unseen("erased", "in pieces", overlays.erased),
    Unseen("torn", "in pieces", overlays.torn),
    Unseen("folded", "in pieces", overlays.folded),
    Unseen("strong noise", "rough", tones.strong_noise, save={"quality": 75}),
    Unseen("strong blur", "rough", tones.strong_blur),
    Unseen("shaken", "rough", tones.shaken),
    Unseen("noisy and soft", "rough", tones.noisy_and_soft, save={"quality": 60}),
    Unseen("scratched", "rough", tones.scratched),
    Unseen("mosaic", "rough", tones.mosaic, ".png", {}),
    Unseen("JPEG 5", "hardly any quality", same, save={"quality": 5}),
    Unseen("WebP 8", "hardly any quality", same, *webp(8)),
    Unseen("AVIF 15", "hardly any quality", same, ".avif", {"quality": 15, "speed": 8}),
    Unseen("enlarged from 160", "hardly any quality", tones.enlarged_from(160)),
    Unseen("enlarged from 96", "hardly any quality", tones.enlarged_from(96)),
    Unseen("sent twice, q30", "sent on", tones.sent_often((30, 30), 0.8), save={"quality": 30}),
    Unseen("sent five times", "sent on", tones.sent_often((60, 50, 60, 45, 55), 0.85)),
    Unseen("chat, then 9:16", "sent on", after(layouts.chat, shaped(9 / 16)), save={"quality": 60}),
    Unseen("marked, kept 60 %", "sent on", after(overlays.tiled_mark, kept(0.6)), *webp(50)),
)
