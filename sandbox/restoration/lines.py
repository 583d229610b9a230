"""Detection of scratches and creases: thin, long, nearly straight lines.

Their sides are equally light. The limits are pixels of a picture of about a megapixel, or of that picture at half its
size.
"""

import cv2
import numpy as np

from sandbox.restoration.pixels import Mask, Pixels, Plane, grown, resized, scaled

#: Number of directions in which lines are detected.
DIRECTIONS = 20
#: Brightness is averaged over this length along the line; print and texture are shorter.
REACH = 21
#: The widest line is narrower than half of this window.
BACKGROUND_WINDOW = 11
#: Contrast is clipped to this, or a single speck would look like the middle of a line.
MOST_CONTRAST = 24.0
#: Distances of the sides from the middle of the line, in pixels of the half-size picture.
SIDES = (2, 4)
#: Contrast of a line to either side, over its whole length ...
LINE_CONTRAST = 5.0
#: ... higher in busy surroundings, by this share of the mean contrast there ...
RESTLESS = 0.6
#: ... and higher between a light and a dark side, as at the edge of an object.
UNEVEN = 0.2
#: The distance at which the two sides are compared.
OUTSIDE = 6
#: Minimum length, in half-size pixels ...
SHORTEST_LINE = 45
#: ... without gaps of up to this length ...
GAP = 21
#: ... and range of the mean width; a lower one would be a row of dots.
THINNEST_LINE, WIDEST_LINE = 0.5, 4.0
#: A scratch is sharper than the photo: this share of its contrast remains within the small window ...
FINE_WINDOW = 5
LEAST_SHARPNESS = 0.6
#: ... and more if the contrast is low, so that whiskers and threads stay.
SHARP_OR_STRONG = 1.0
#: In the full-size picture, pixels that differ from the median of this window belong to the line itself.
CORE_WINDOW = 15


def lines(light: Pixels, sigma: float, doubt: float = 1.0) -> Mask:
    """Return the mask of lines lighter or darker than both their sides.

    `sigma` is the grain, in brightness levels; `doubt` multiplies the required contrast.
    """
    half = scaled(light, 0.5)
    smooth = cv2.medianBlur(half, BACKGROUND_WINDOW)
    difference = half.astype(np.float32) - smooth
    fine = half.astype(np.float32) - cv2.medianBlur(half, FINE_WINDOW)
    contrast = np.clip(difference, -MOST_CONTRAST, MOST_CONTRAST)
    surface = cv2.blur(smooth, (5, 5)).astype(np.float32)
    required = max(LINE_CONTRAST, sigma) + RESTLESS * cv2.blur(np.abs(contrast), (41, 41))
    lighter, darker = (np.zeros(half.shape, np.bool_) for _ in range(2))
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        along = np.asarray(cv2.filter2D(contrast, -1, _line_kernel(angle, REACH)), np.float32)
        out_left, out_right = _both_sides(surface, angle, OUTSIDE)
        limit = doubt * (required + UNEVEN * np.abs(out_left - out_right))
        highest, lowest = _side_contrast(along, angle)
        bridge = _line_kernel(angle, GAP) > 0
        lighter |= _scratches_among(highest > limit, bridge, difference, fine)
        darker |= _scratches_among(lowest > limit, bridge, -difference, -fine)
    bands = (resized(grown(band, 1), light.shape) for band in (lighter, darker))
    return _core(light, next(bands), next(bands), sigma)


def _side_contrast(along: Plane, angle: float) -> tuple[Plane, Plane]:
    """Return each line's contrast, lighter and darker, to both its sides."""
    lighter, darker = np.full_like(along, -255), np.full_like(along, -255)
    for distance in SIDES:
        left, right = _both_sides(along, angle, distance)
        np.maximum(lighter, along - np.maximum(np.maximum(left, right), 0), out=lighter)
        np.maximum(darker, np.minimum(np.minimum(left, right), 0) - along, out=darker)
    return lighter, darker


def _scratches_among(candidates: Mask, bridge: Mask, contrast: Plane, fine: Plane) -> Mask:
    """Return connected components that are long, narrow and sharp for their contrast."""
    bridged = cv2.dilate(candidates.astype(np.uint8), bridge.astype(np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bridged, connectivity=8)
    length = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) - GAP
    where = np.flatnonzero(candidates)
    owner = labels.ravel()[where]
    area = np.maximum(np.bincount(owner, minlength=count), 1)
    strength = np.bincount(owner, contrast.ravel()[where], count) / area
    sharpness = np.bincount(owner, fine.ravel()[where], count) / area / np.maximum(strength, 1)
    keep = (length > SHORTEST_LINE) & (area < WIDEST_LINE * length) & (area > THINNEST_LINE * length)
    keep &= sharpness > LEAST_SHARPNESS
    keep &= sharpness + strength / 100 > SHARP_OR_STRONG
    keep[0] = False
    found: Mask = keep[labels] & candidates
    return found


def _core(light: Pixels, lighter: Mask, darker: Mask, sigma: float) -> Mask:
    """Return the pixels within the bands that differ, and their soft edge."""
    difference = light.astype(np.float32) - cv2.medianBlur(light, CORE_WINDOW)
    visible = max(5.0, 1.2 * sigma)
    return grown((lighter & (difference > visible)) | (darker & (difference < -visible)), 1)


def _line_kernel(angle: float, reach: int) -> Plane:
    kernel = np.zeros((reach, reach), np.float32)
    middle = reach // 2
    dx, dy = np.cos(angle) * middle, np.sin(angle) * middle
    ends = np.rint(np.array([[middle - dx, middle - dy], [middle + dx, middle + dy]]) * 16).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _both_sides(plane: Plane, angle: float, distance: int) -> tuple[Plane, Plane]:
    """Return the planes shifted to both sides of a line."""
    dx, dy = round(-np.sin(angle) * distance), round(np.cos(angle) * distance)
    height, width = plane.shape
    wide = np.pad(plane, distance, mode="edge")
    left, right = (
        wide[distance + y : distance + y + height, distance + x : distance + x + width]
        for x, y in ((dx, dy), (-dx, -dy))
    )
    return left, right
