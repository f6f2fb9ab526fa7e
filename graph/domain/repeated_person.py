"""Why a picture shows the same person more than once; only a person can state it."""

from enum import StrEnum


class RepeatedPerson(StrEnum):
    COLLAGE = "collage"
    """Several photos in one picture: a collage, an album page, a screenshot of a chat."""
    MIRROR = "mirror"
    PICTURE_IN_PICTURE = "picture_in_picture"
    """A photo or screen in the scene shows the person too."""
