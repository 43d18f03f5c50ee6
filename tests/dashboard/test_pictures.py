import io

import numpy as np
from PIL import Image

from cxrkd.dashboard.captioned import captioned
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.pictures import Panel, grey_to_rgb, outlined, outlines, strip
from cxrkd.images.encoded import data_uri, png


def test_grey_floats_become_three_equal_channels():
    rgb = grey_to_rgb(np.array([[0.0, 0.5, 1.2]], np.float32))
    assert rgb.tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_png_keeps_every_pixel():
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(rgb)))), rgb)
    assert data_uri(rgb).startswith("data:image/png;base64,")


def test_outline_of_a_rectangle_is_its_border():
    mask = np.zeros((10, 12), dtype=bool)
    mask[2:5, 4:9] = True
    ((x, y),) = outlines(mask)
    assert (x.min(), x.max(), y.min(), y.max()) == (3.5, 8.5, 1.5, 4.5)


def test_outline_closes_at_the_edge_of_the_film():
    mask = np.zeros((6, 6), dtype=bool)
    mask[:2, :2] = True
    ((x, y),) = outlines(mask)
    assert (x[0], y[0]) == (x[-1], y[-1])


def test_no_outline_for_an_empty_mask():
    assert outlines(np.zeros((4, 4), dtype=bool)) == ()


def test_outline_is_drawn_where_the_mask_ends():
    mask = np.zeros((20, 20), dtype=bool)
    mask[5:15, 5:15] = True
    drawn = np.asarray(outlined(np.zeros((20, 20, 3), np.uint8), outlines(mask), scale=2))
    assert drawn[20, 10].any()
    assert not drawn[20, 20].any()


def test_strip_holds_all_panels_side_by_side():
    panels = [Panel("Teacher", np.full((10, 10, 3), v, np.uint8), note="90 %") for v in (10, 200)]
    picture = Image.open(io.BytesIO(strip(panels, side=30)))
    above = picture.height - 30
    assert above > 0
    assert picture.width == 2 * 30 + 8
    assert picture.getpixel((15, above + 15)) == (10, 10, 10)
    assert picture.getpixel((38 + 15, above + 15)) == (200, 200, 200)
    assert (np.asarray(picture)[:above, :30] < 128).any()  # "Teacher" and its note


def test_panels_of_two_rows_stand_below_each_other():
    panels = [Panel(f"{v}", np.full((10, 10, 3), v, np.uint8)) for v in (10, 80, 150, 220)]
    picture = Image.open(io.BytesIO(strip(panels, side=20, columns=2)))
    assert picture.width == 2 * 20 + 8
    row = picture.height // 2
    assert [picture.getpixel((x, y))[0] for y in (row - 5, 2 * row - 5) for x in (5, 40)] == [10, 80, 150, 220]


def test_a_caption_stands_below_the_picture_and_in_the_file():
    above = np.random.default_rng(0).integers(0, 200, (40, 300, 3), dtype=np.uint8)
    bar = ColourBar([(0.0, "rgb(0,0,0)"), (1.0, "rgb(255,0,0)")], 0.0, 3.25, "logits")
    lines = ["Mass by Grad-CAM", "Film: größe.png. Run: NIH.", "Not for clinical use."]
    picture = Image.open(io.BytesIO(captioned(png(above), lines, bar)))
    assert picture.text["Description"] == "\n".join(lines)
    pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[:40], above)
    row = pixels[40 + 8 + 6, 9 : 8 + 259]  # inside the frame of the bar
    assert (np.diff(row[:, 0].astype(int)) >= 0).all()
    assert (row[0, 0], row[-1, 0]) < (5, 256)
    assert row[-1, 0] > 250
    other = np.asarray(Image.open(io.BytesIO(captioned(png(above), ["Nodule by LIME", *lines[1:]], bar))))
    assert (pixels[40:] != other[40:]).any()
    assert len(pixels) > len(np.asarray(Image.open(io.BytesIO(captioned(png(above), lines)))))


def test_a_long_caption_is_broken_and_none_of_it_is_cut():
    above, words = np.zeros((10, 120, 3), np.uint8), "word " * 40
    pixels = np.asarray(Image.open(io.BytesIO(captioned(png(above), [words]))))
    assert pixels.shape[1] == 120
    assert (pixels[10:, -4:] == 255).all(), "nothing reaches the edge"
    assert len(pixels) > 10 + 5 * 20
