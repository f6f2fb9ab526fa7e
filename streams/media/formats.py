"""What is said of the kinds of picture: why one is refused, and the content type of one that is read."""

from typing import Final

REFUSALS: Final = {
    "not_an_image": "The file is not a picture of a kind that is read here (JPEG and its relatives, PNG, GIF, WebP, "
    "BMP, TIFF, HEIF, AVIF, raw photos and some more): convert it and submit the result.",
    "truncated": "The picture's data end before anything can be seen: the file was cut off. Export it again and submit "
    "it anew.",
    "damaged": "Nothing of the picture can be decoded: its data are damaged. Export it again and submit it anew.",
    "unsupported": "The picture is of a kind that is not read: convert it to JPEG and submit the result.",
    "too_many_pixels": "The picture has more than {limit} million pixels: submit a smaller version of it.",
}
"""Message by the decoding process's code."""

CONTENT_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "HEIF": "image/heif",
    "AVIF": "image/avif",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-anymap",
    "PSD": "image/vnd.adobe.photoshop",
    "ICO": "image/vnd.microsoft.icon",
    "PCX": "image/x-pcx",
    "SGI": "image/x-sgi",
    "QOI": "image/qoi",
    "TGA": "image/x-tga",
    "JXL": "image/jxl",
    "JXR": "image/jxr",
    "RAW": "image/x-raw",
}
"""Content type by the decoding process's name of the format, mostly Pillow's."""
