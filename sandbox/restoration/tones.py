"""Correction of fading and colour cast, towards black and white."""

from sandbox.restoration.pixels import Picture, Plane, brightness, percentile, scaled

#: The darkest and lightest share of the pixels, which define black and white.
SHARE_PERCENT = 0.5
#: A print whose black is lighter than this has faded ...
FADED_BLACK = 24.0
#: ... and its black and white are mapped to these.
BLACK, WHITE = 4.0, 238.0
#: The largest amplification: more would also amplify the remaining grain.
MOST_GAIN = 2.0
#: A picture need not contain white, so only this share of the correction is applied.
TOWARDS_WHITE = 0.75
#: What is lighter than white is limited to this above it.
ABOVE_WHITE = 2.0


def refreshed(picture: Picture) -> Picture:
    """Correct black, white and grey of a faded picture; others stay unchanged."""
    sample = scaled(picture, 0.25)
    if not is_faded(brightness(sample)):
        return picture
    channels = [channel.histogram() for channel in sample.split()]
    blacks = [percentile(channel, SHARE_PERCENT) for channel in channels]
    whites = [percentile(channel, 100 - SHARE_PERCENT) for channel in channels]
    aim = max(whites) + TOWARDS_WHITE * max(0.0, WHITE - max(whites))
    return picture.point(
        [
            level
            for black, white in zip(blacks, whites, strict=True)
            for level in _levels(black, min((aim - BLACK) / max(white - black, 1), MOST_GAIN), aim)
        ]
    )


def is_faded(light: Plane) -> bool:
    """Whether the picture's black is grey."""
    return percentile(light.histogram(), SHARE_PERCENT) > FADED_BLACK


def _levels(black: int, gain: float, aim: float) -> list[int]:
    """Return the new level for each of the old ones."""
    # Pixels lighter than white (bare paper, a reflex) would get the complement of the cast.
    brightest = min(255.0, aim + ABOVE_WHITE)
    return [round(max(0.0, min((level - black) * gain + BLACK, brightest))) for level in range(256)]
