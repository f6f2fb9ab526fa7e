"""Files that operating systems and programs leave beside pictures: they hold no picture of their own."""

import re
from typing import Final

_FOLDERS: Final = {
    name.lower(): kind
    for kind, names in {
        "macOS": ("__MACOSX", ".AppleDouble", ".Spotlight-V100", ".fseventsd"),
    }.items()
    for name in names
}
"""Whatever lies below one of these, by its name in lower case. Not folders that may hold the only copy of a picture:
recycle bins, and thumbnails that a server or a phone made."""
_FILES: Final = {
    name.lower(): kind
    for kind, names in {
        "macOS": (".DS_Store", ".localized", ".VolumeIcon.icns", ".apdisk", "Icon\r"),
        "Windows": ("Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "IconCache.db"),
        "Linux": (".directory", ".hidden"),
        "Android": (".nomedia",),
        "a photo program": (".picasa.ini", "Picasa.ini", "ZbThumbnail.info", ".BridgeSort", ".BridgeLabelsAndRatings"),
    }.items()
    for name in names
}
_ENDINGS: Final = {".aae": "iOS", ".xmp": "a photo program"}
_PARTS: Final = re.compile(r"[/\\]")


def left_by(name: str) -> str:
    """The system that left a file of this path behind, as a reader knows it; empty for any other file."""
    *folders, file = _PARTS.split(name.lower())
    for folder in folders:
        if folder in _FOLDERS:
            return _FOLDERS[folder]
    if file.startswith("._") and len(file) > 2:
        return "macOS"
    return _FILES.get(file) or next((kind for ending, kind in _ENDINGS.items() if file.endswith(ending)), "")
