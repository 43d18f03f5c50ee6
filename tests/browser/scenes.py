"""Films before a camera, drawn by OpenCV, with known corners: on a light box or on a screen."""

from typing import NamedTuple

import cv2
import numpy as np

WIDTH, HEIGHT = 720, 540
PLANE, LONG = 1600, 480  # pixels of the plane that the film lies in, and of its longer side there


class Pose(NamedTuple):
    """How a film lies before the camera: degrees; the share of the picture that it fills; its middle, in pictures."""

    turn: float = 0
    tilt: float = 0  # top away from the camera
    swing: float = 0  # right side away from it
    share: float = 0.5
    across: float = 0
    down: float = 0
    focal: float = 0.75  # diagonals


def projected(points, pose, longer, shorter):
    """Points (N, 2) of the film's plane, the film's centre at zero, as the camera sees them (OpenCV's pinhole)."""
    focal = pose.focal * np.hypot(WIDTH, HEIGHT)
    away = focal * np.sqrt(longer * shorter / (pose.share * WIDTH * HEIGHT))
    matrix = np.array([[focal, 0, (WIDTH - 1) / 2], [0, focal, (HEIGHT - 1) / 2], [0, 0, 1]])
    turned, _ = cv2.Rodrigues(np.array([0, 0, np.radians(pose.turn)]))
    tilted, _ = cv2.Rodrigues(np.radians([pose.tilt, pose.swing, 0.0]))
    rotation, _ = cv2.Rodrigues(tilted @ turned)
    shift = np.array([pose.across * WIDTH, pose.down * HEIGHT, focal]) * away / focal
    seen, _ = cv2.projectPoints(np.c_[points, np.zeros(len(points))].astype(float), rotation, shift, matrix, None)
    return seen[:, 0]


def on_a_light_box(film, *, tone=235, around=0.35):
    """The plane with a film that lets at most two thirds of the light through, on a box that is wider than high.

    Args:
        around: what lies beyond the box, a tone or a picture float (H, W) in [0, 1].
    """
    plane = cv2.resize(255 * np.atleast_2d(np.float32(around)), (PLANE, PLANE), interpolation=cv2.INTER_LINEAR)
    plane[420:-420, 300:-300] = tone
    return _laid(plane, tone * (0.04 + 0.66 * film / 255))


def on_a_screen(film, *, bezel=55, black=14):
    """The plane with a screen that the film fills, its dark bezel and a wall behind."""
    height, width = film.shape
    plane = np.full((PLANE, PLANE), 150, np.float32)
    middle, up, left = PLANE // 2, height // 2 + 45, width // 2 + 45
    plane[middle - up : middle + up, middle - left : middle + left] = bezel
    return _laid(plane, black + 225 * film / 255)


def _laid(plane, film):
    height, width = film.shape
    top, left = (PLANE - height) // 2, (PLANE - width) // 2
    plane[top : top + height, left : left + width] = film
    return plane


def enlarged(film):
    """A film uint8 (H, W) at the plane's scale, float32."""
    scale = LONG / max(film.shape)
    size = (2 * round(film.shape[1] * scale / 2), 2 * round(film.shape[0] * scale / 2))
    return cv2.resize(film, size, interpolation=cv2.INTER_CUBIC).astype(np.float32).clip(0, 255)


def seen(film, lay, pose, *, uneven=0.0, glare=None, hand=None, noise=2.0, quality=90):
    """What the camera sees, uint8 (540, 720), and the film's corners (4, 2), clockwise from the upper left one.

    Args:
        lay: puts the film into its plane.
        uneven: how much darker the picture is at its right side.
        glare: where, in shares of the picture, a reflection lies.
        hand: between which shares of the film's left side fingers cover it.
        noise: standard deviation in tones.
        quality: of the JPEG that it goes through.
    """
    large = enlarged(film)
    height, width = large.shape
    halves = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    corners = projected(halves, pose, width, height)
    pixels = (halves + PLANE / 2 - 0.5).astype(np.float32)
    picture = _warped(lay(large), cv2.getPerspectiveTransform(pixels, corners.astype(np.float32)))
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    picture = picture * (1 - uneven * across)
    if hand is not None:
        _cover(picture, corners, hand)
    if glare is not None:
        light = 0.8 * np.exp(-((across - glare[0]) ** 2 + (down - glare[1]) ** 2) / (2 * 0.06**2))
        picture = picture * (1 - light) + 250 * light
    picture = picture + np.random.default_rng(0).normal(0, noise, picture.shape)
    return through_jpeg(picture, quality), corners


def _warped(plane, matrix):
    """Four samples a pixel, averaged."""
    twice = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
    large = cv2.warpPerspective(plane, twice @ matrix, (2 * WIDTH, 2 * HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def _cover(picture, corners, shares):
    upper, right, _, lower = corners
    inwards = 0.08 * (right - upper)
    a, b = (upper + share * (lower - upper) for share in shares)
    outline = np.array([a + inwards, b + inwards, b - 20 * inwards, a - 20 * inwards])
    cv2.fillPoly(picture, [np.rint(outline).astype(np.int32)], 120.0, cv2.LINE_AA)


def through_jpeg(picture, quality=90):
    tones = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    coded = cv2.imencode(".jpg", tones, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
