"""The edges of a film before the camera: corners against those that OpenCV drew, answers against those of the file."""

import base64
import functools

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect
from scipy.special import expit

from cxrkd.gating.bundled import SKIMAGE, load
from cxrkd.images.files import film_of
from cxrkd.places import SAMPLES
from tests.browser import scenes
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.scenes import Pose
from tests.browser.sites import READY, camera_flags, phone, write_frames

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

FILMS = sorted(SAMPLES.glob("*.png"))
LOOK = """async ([base64, quarters]) => {
    const { cornersIn, filmAt } = await import("./app/framing.js");
    const { answerFrame } = await import("./app/client.js");
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const picture = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const corners = cornersIn(picture);
    if (!corners) return null;
    const film = filmAt(picture, corners, quarters);
    const { film: { image, gate }, logits } = await answerFrame(await createImageBitmap(film));
    return { corners, size: [film.width, film.height], image: [...image], gate: gate.kind, logits: [...logits] };
}"""


@functools.cache
def film(number, width=320):
    """A sample, or as much of its middle."""
    tones = np.asarray(Image.open(FILMS[number]).convert("L"))
    left = (320 - width) // 2
    return tones[:, left : left + width]


def behind(name):
    return load(SKIMAGE, name).pixels


def encoded(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def look(page, picture, quarters=0):
    return page.evaluate(LOOK, [base64.b64encode(encoded(picture)).decode(), quarters])


LIGHT_BOX, SCREEN = scenes.on_a_light_box, scenes.on_a_screen
SCENES = {
    "a light box": (film(0), LIGHT_BOX, Pose(), {}),
    "turned": (film(2), LIGHT_BOX, Pose(turn=20, share=0.4), {}),
    "turned back": (film(4), LIGHT_BOX, Pose(turn=-19, share=0.35, across=0.1), {}),
    "oblique": (film(8), LIGHT_BOX, Pose(turn=6, tilt=25, swing=-15, share=0.45), {}),
    "another lens": (film(9), LIGHT_BOX, Pose(swing=28, share=0.4, focal=0.62), {}),
    "small": (film(10), LIGHT_BOX, Pose(turn=9, share=0.25, across=-0.2, down=0.1), {}),
    "large": (film(12), LIGHT_BOX, Pose(turn=1, share=0.69), {}),
    "oblong": (film(14, 256), LIGHT_BOX, Pose(turn=-8, tilt=-20, share=0.4), {}),
    "uneven light": (film(15), LIGHT_BOX, Pose(turn=3), {"uneven": 0.5}),
    "a reflection": (film(16), LIGHT_BOX, Pose(turn=-4), {"glare": (0.7, 0.3)}),
    "a hand": (film(18), LIGHT_BOX, Pose(turn=5, across=0.05), {"hand": (0.4, 0.6)}),
    "noise": (film(20), LIGHT_BOX, Pose(tilt=15, share=0.4), {"noise": 12, "quality": 40}),
    "a screen": (film(2), SCREEN, Pose(turn=3), {}),
    "a screen, oblique": (film(3), SCREEN, Pose(turn=-7, tilt=18, swing=12, share=0.4), {}),
    "clutter around the box": (
        film(6),
        functools.partial(LIGHT_BOX, around=behind("coins.png")),
        Pose(turn=5, share=0.26),
        {},
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_corners_are_found_and_the_film_is_answered_as_its_file(page, model, name):
    tones, lay, pose, how = SCENES[name]
    picture, corners = scenes.seen(tones, lay, pose, **how)
    own = look(page, picture)
    assert own is not None
    diagonal = np.hypot(*picture.shape)
    assert np.linalg.norm(own["corners"] - corners, axis=1).mean() < 0.006 * diagonal
    assert overlap(own["corners"], corners) > 0.975
    assert own["gate"] == "chest"
    width, height = own["size"]
    assert width / height == pytest.approx(tones.shape[1] / tones.shape[0], abs=0.03)
    # What OpenCV makes of the true corners is as near to the file as such a picture allows.
    of_file, of_truth = answers(model, tones), answers(model, straightened(picture, corners, tones.shape))
    assert np.abs(expit(own["logits"]) - of_file).mean() < np.abs(of_truth - of_file).mean() + 0.015
    assert np.abs(expit(own["logits"]) - of_truth).max() < 0.12


def straightened(picture, corners, shape):
    height, width = (480 * side // max(shape) for side in shape)
    border = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), border)
    return cv2.warpPerspective(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def answers(model, tones):
    pixels = film_of(encoded(tones), "film.png", model.input_size).pixels
    with torch.inference_mode():
        return expit(model(torch.from_numpy(pixels)[None, None])[0].numpy())


def overlap(some, others):
    """Intersection over union of two convex outlines."""
    some, others = (np.asarray(corners, np.float32) for corners in (some, others))
    common, _ = cv2.intersectConvexConvex(some, others)
    return common / (cv2.contourArea(some) + cv2.contourArea(others) - common)


def wall():
    across, down = np.meshgrid(np.linspace(0, 1, scenes.WIDTH), np.linspace(0, 1, scenes.HEIGHT))
    return scenes.through_jpeg(170 - 60 * across - 20 * down + np.random.default_rng(0).normal(0, 4, across.shape))


def filling(number, turn):
    """A film that leaves no border in view."""
    return scenes.seen(film(number), LIGHT_BOX, Pose(turn=turn, share=2.6))[0]


def photo(name):
    tones = cv2.resize(behind(name), (scenes.WIDTH, scenes.HEIGHT), interpolation=cv2.INTER_CUBIC)
    return scenes.through_jpeg(255 * tones)


NO_FILM = {
    "a wall": wall,
    "films that fill the picture, 1": lambda: filling(0, 0),
    "films that fill the picture, 2": lambda: filling(7, 8),
    "films that fill the picture, 3": lambda: filling(13, -12),
    "half a film": lambda: scenes.seen(film(5), LIGHT_BOX, Pose(turn=4, share=0.6, across=0.5))[0],
    "coffee": lambda: photo("coffee.png"),
    "grass": lambda: photo("grass.png"),
    "coins": lambda: photo("coins.png"),
}


@pytest.mark.parametrize("name", NO_FILM)
def test_nothing_is_found_where_no_whole_film_is_in_view(page, name):
    assert look(page, NO_FILM[name]()) is None


def test_a_quarter_turn_turns_the_straightened_film_clockwise(page):
    tones, lay, pose, how = SCENES["oblong"]
    picture, _ = scenes.seen(tones, lay, pose, **how)
    upright, turned = look(page, picture), look(page, picture, 1)
    assert turned["size"] == upright["size"][::-1]
    before, after = (np.reshape(own["image"], (224, 224)) for own in (upright, turned))
    assert np.abs(np.rot90(before, -1) - after).mean() < 0.02


STEADY = """async (all) => {
    const { steadied } = await import("./app/framing.js");
    const steady = steadied();
    return all.map((corners) => steady(corners, 100));
}"""


def test_two_pictures_agree_on_corners_that_then_glide_and_wait_for_a_film_that_is_lost(page):
    here, near, far, half, quarter = ([[x, 0], [x + 50, 0], [x + 50, 50], [x, 50]] for x in (0, 1, 20, 0.5, 0.25))
    assert page.evaluate(STEADY, [here, here, near, None, far, here]) == [None, here, half, half, half, quarter]
    assert page.evaluate(STEADY, [None, here, far, far]) == [None, None, None, far]
    assert page.evaluate(STEADY, [here, here, *[None] * 5]) == [None, *[here] * 5, None]


def test_the_camera_frames_an_oblique_film_by_its_edges_and_the_middle_when_asked(browser, model, site, tmp_path):
    tones = film(2)
    picture, _ = scenes.seen(tones, LIGHT_BOX, Pose(turn=14, tilt=15, swing=10, share=0.3, across=-0.12))
    video = write_frames(tmp_path / "camera.y4m", cv2.resize(picture, (960, 720), interpolation=cv2.INTER_CUBIC))
    # Another Chromium, whose camera plays the video.
    seeing = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera_flags(video)])
    page = phone(seeing, permissions=["camera"]).new_page()
    page.goto(site.address)
    page.locator(READY).wait_for()
    page.locator("#camera").click()
    expect(page.locator("#edges")).to_have_text("Film's edges found")
    expect(page.locator("#closer")).to_be_disabled()
    expect(page.locator("#judged li").first).to_be_visible()
    titles = {label.replace("_", " ").capitalize(): k for k, label in enumerate(model.labels)}
    of_file = answers(model, tones)
    page.locator("#hold").click()
    for row in page.locator("#judged button").all():
        expected = of_file[titles[row.get_attribute("data-label")]]
        assert float(row.get_attribute("data-prob")) == pytest.approx(expected, abs=0.06)
    page.locator("#hold").click()
    for _ in range(2):
        page.locator("#quarter").click()
    expect(page.locator("#reason")).to_contain_text("upside down")
    page.locator("#find").click()
    expect(page.locator("#edges")).to_be_empty()
    expect(page.locator("#closer")).to_be_enabled()
    page.locator("#camera").click()
    seeing.close()
