"""The exported folder in Chromium: answers and maps are the house's, and it asks nobody, with or without network."""

import base64
import io
import json
import re
import shutil
import struct
import time
import zlib

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    generate_uid,
)
from scipy.special import expit

from cxrkd.answers.answer import classify
from cxrkd.dashboard.on_device.browser import document
from cxrkd.explain.cam import grad_cam
from cxrkd.export.browser import list_files
from cxrkd.images.files import film_of
from cxrkd.places import SAMPLES
from cxrkd.runs import open_run
from cxrkd.runtime.select import build_engine
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.sites import READY, camera_flags, phone, serving_folder, write_video

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

FILMS = sorted(SAMPLES.glob("*.png"))
ASK = """async ([base64, name]) => {
    const { answerFile } = await import("./app/client.js");
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const { film, logits, maps, grid } = await answerFile(new File([bytes], name));
    return { gate: film.gate, notes: film.notes, image: [...film.image], logits: [...logits], maps: [...maps], grid };
}"""


def pixels(path=FILMS[0]):
    return np.asarray(Image.open(path).convert("L"))


def encoded(array, kind="PNG", **how):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **how)
    return buffer.getvalue()


def dicom(values, **elements):
    """A film of 16 bits in explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.PatientName, ds.PatientID = "Nobody^Known", "12345"
    ds.Rows, ds.Columns = values.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    packed = meta.TransferSyntaxUID.is_compressed
    ds.PixelData = encapsulate([encoded((values >> 4).astype(np.uint8), "JPEG")]) if packed else values.tobytes()
    for name, value in elements.items():
        if isinstance(value, bytes):  # as it stands in the file, right or wrong
            ds[name] = RawDataElement(Tag(name), "DS", len(value), value, 0, False, True)
        else:
            setattr(ds, name, value)
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def nested():
    """An item with an item within, both of undefined length, and elements of another picture behind the inner one."""
    inner, item = Dataset(), Dataset()
    inner.CodeValue = "X"
    item.ReferencedImageSequence = [inner]
    item.Rows = item.Columns = 33
    item.WindowCenter, item.WindowWidth, item.PixelRepresentation = "5", "10", 1
    item["ReferencedImageSequence"].is_undefined_length = True
    inner.is_undefined_length_sequence_item = item.is_undefined_length_sequence_item = True
    return item


def within(item, **elements):
    """A film with an item in a sequence of undefined length."""
    ds = Dataset()
    ds.IconImageSequence = [item]
    ds["IconImageSequence"].is_undefined_length = True
    return dicom(TWELVE_BITS, IconImageSequence=ds.IconImageSequence, **elements)


def chunk(kind, body, png):
    """A PNG with one more chunk behind the first."""
    return png[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) + png[33:]


def turned(array):
    return np.ascontiguousarray(array[::-1])


TWELVE_BITS = (pixels().astype(np.uint16) * 16)[:900]
FILES = {
    **{path.name: path.read_bytes() for path in FILMS[:4]},
    "deep.png": encoded(TWELVE_BITS),
    "oblong.png": encoded(pixels()[:, 150:950]),
    "small.png": encoded(cv2.resize(pixels(), (150, 170), interpolation=cv2.INTER_AREA)),
    "grey.jpg": encoded(pixels(), "JPEG", quality=90),
    "colour.png": encoded(np.stack([pixels()] * 3, -1)),
    "clear.png": encoded(np.dstack([np.stack([pixels()] * 3, -1), np.where(pixels() > 20, 255, 0).astype(np.uint8)])),
    "window.dcm": dicom(TWELVE_BITS, WindowCenter="2000", WindowWidth="3000"),
    "plain.dcm": dicom(TWELVE_BITS),
    "inverted.dcm": dicom(4095 - TWELVE_BITS, PhotometricInterpretation="MONOCHROME1"),
    "rescaled.dcm": dicom(
        TWELVE_BITS, RescaleSlope="2", RescaleIntercept="-100", WindowCenter="4000", WindowWidth="8000"
    ),
    "narrow.dcm": dicom(TWELVE_BITS, WindowCenter="1000", WindowWidth="200"),
    "within-explicit.dcm": within(nested()),
    "within-implicit.dcm": within(nested(), syntax=ImplicitVRLittleEndian),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_answered_as_the_command_line_answers_it(page, model, name):
    own = page.evaluate(ASK, [base64.b64encode(FILES[name]).decode(), name])
    film = film_of(FILES[name], name, model.input_size)
    expected = grad_cam(model, torch.from_numpy(film.pixels)[None, None])
    # The same film: of tones midway between two of 8 bits few may be rounded to the other one.
    apart = np.rint(255 * np.reshape(own["image"], film.pixels.shape)) - film.tones
    assert np.abs(apart).max() <= 1
    assert (apart != 0).mean() < 0.001
    assert own["gate"]["kind"] == film.gate.kind
    assert own["gate"]["score"] == pytest.approx(film.gate.score, abs=1e-3)
    assert own["notes"] == list(film.notes)
    np.testing.assert_allclose(expit(own["logits"]), expit(expected.logits), atol=0.01)
    maps = np.reshape(own["maps"], expected.cams.shape)
    flat, other = maps.reshape(len(maps), -1), expected.cams.reshape(len(maps), -1)
    cosine = (flat * other).sum(1) / np.linalg.norm(flat, axis=1) / np.linalg.norm(other, axis=1)
    assert cosine.min() > 0.99
    assert np.abs(maps - expected.cams).max() < 0.05 * np.abs(expected.cams).max()


NO_FILM = {
    "upside-down.png": encoded(turned(pixels())),
    "inverted.png": encoded(255 - pixels()),
    "flat.png": encoded(np.clip(pixels() // 64 + 100, 0, 255).astype(np.uint8)),
    "photo.png": encoded(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)),
}


@pytest.mark.parametrize("name", NO_FILM)
def test_the_gate_says_the_same_of_what_is_no_film(page, model, name):
    own = page.evaluate(ASK, [base64.b64encode(NO_FILM[name]).decode(), name])
    gate = film_of(NO_FILM[name], name, model.input_size).gate
    assert not gate.passed
    assert (own["gate"]["kind"], own["gate"]["reason"]) == (gate.kind, gate.reason)


REFUSED = {
    "empty.png": (b"", "is empty"),
    "words.png": (b"these are words", "is no PNG, JPEG or DICOM file"),
    "cut.png": (FILES[FILMS[0].name][:3000], "damaged or incomplete"),
    "cut-deep.png": (FILES["deep.png"][:3000], "damaged or incomplete"),
    "tiny.png": (encoded(pixels()[:20, :20]), "at least 32 x 32"),
    "blank.png": (encoded(np.full((300, 300), 80, np.uint8)), "is blank"),
    "packed.dcm": (dicom(TWELVE_BITS, syntax=JPEGBaseline8Bit), "compressed DICOM"),
    "frames.dcm": (dicom(TWELVE_BITS, NumberOfFrames="2"), "holds 2 frames"),
    "colour.dcm": (dicom(TWELVE_BITS, PhotometricInterpretation="RGB"), "grey values"),
    "cut.dcm": (FILES["plain.dcm"][:5000], "damaged|without an uncompressed|could not be read"),
    "padded.dcm": (dicom(TWELVE_BITS, PixelPaddingValue=0), "padding"),
    "oblong.dcm": (dicom(TWELVE_BITS, PixelSpacing=["0.2", "0.1"]), "not square"),
    "scanned.dcm": (dicom(TWELVE_BITS, NominalScannedPixelSpacing=["0.2", "0.1"]), "not square"),
    "comma-window.dcm": (dicom(TWELVE_BITS, WindowCenter=b"1,500 ", WindowWidth="4096"), "window of an unusual shape"),
    "fine-window.dcm": (dicom(TWELVE_BITS, WindowCenter="0.5", WindowWidth="0.9"), "window of an unusual shape"),
    "useless-window.dcm": (dicom(TWELVE_BITS, WindowCenter="30000", WindowWidth="10"), "shows nothing"),
    "comma-slope.dcm": (dicom(TWELVE_BITS, RescaleSlope=b"2,5 ", RescaleIntercept="0"), "scales its values"),
    "sign.dcm": (dicom(TWELVE_BITS, PixelRepresentation=2), "bits in an unusual place"),
    "clear-deep.png": (chunk(b"tRNS", b"\0\0", FILES["deep.png"]), "transparent"),
    "animated.png": (chunk(b"acTL", struct.pack(">II", 2, 0), FILES[FILMS[0].name]), "animation"),
    "header.png": (FILES["deep.png"][:22], "damaged or incomplete"),
    "cut.jpg": (FILES["grey.jpg"][:5000], "damaged or incomplete"),
    "mirrored.dcm": (dicom(TWELVE_BITS, PatientOrientation=["R", "F"]), "turned or mirrored"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_gets_a_sentence_and_the_next_film_is_answered(page, name):
    data, sentence = REFUSED[name]
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
    page.locator("#problem:not([hidden])").wait_for()
    expect(page.locator("#problem")).to_contain_text(re.compile(sentence))
    expect(page.locator("#answers")).to_be_hidden()  # of the film before, beside the name of this one
    expect(page.locator("#picture")).to_have_attribute("aria-label", "No film yet")
    page.set_input_files("#file", FILMS[0])
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#judged li").first).to_be_visible()


def test_the_page_shows_probabilities_thresholds_and_the_verdict_of_the_house(page, model):
    page.set_input_files("#file", FILMS[2])
    expect(page.locator("#about")).to_contain_text(FILMS[2].name)
    run = open_run("nih")
    film = film_of(FILMS[2].read_bytes(), "x", model.input_size)
    with torch.inference_mode():
        probs = expit(model(torch.from_numpy(film.pixels)[None, None])[0].numpy())
    thresholds = run.thresholds("distilled")
    rows = {one.get_attribute("data-label"): one for one in page.locator("#judged button").all()}
    judged = [k for k in range(len(run.labels)) if not np.isnan(thresholds[k])]
    assert len(rows) == len(judged)
    for k in judged:
        row = rows[run.labels[k].replace("_", " ").capitalize()]
        assert float(row.get_attribute("data-prob")) == pytest.approx(probs[k], abs=0.01)
        called = probs[k] >= thresholds[k]
        assert ("called" in (row.get_attribute("class") or "")) == called
        expect(row).to_contain_text(f"{'yes' if called else 'no'}, threshold {thresholds[k]:.1%}")
    expect(page.locator("#verdict")).to_contain_text("findings it can call")
    expect(page.locator("#how-many")).to_have_text(f"Not judged ({len(run.labels) - len(judged)})")


def test_another_finding_draws_another_map_and_no_map_leaves_the_film_bare(page):
    page.set_input_files("#file", FILMS[2])
    expect(page.locator("#about")).to_contain_text(FILMS[2].name)
    drawn = "() => document.getElementById('picture').toDataURL()"
    pictures = []
    for row in page.locator("#judged button").all()[:2]:
        row.click()
        expect(row).to_have_attribute("aria-pressed", "true")
        pictures.append(page.evaluate(drawn))
    page.locator("#where").uncheck()
    pictures.append(page.evaluate(drawn))
    page.locator("#where").check()
    assert len(set(pictures)) == 3


def test_a_flagged_film_is_answered_only_when_asked(page):
    page.set_input_files("#file", {"name": "turned.png", "mimeType": "image/png", "buffer": NO_FILM["upside-down.png"]})
    expect(page.locator("#reason")).to_contain_text("upside down")
    expect(page.locator("#said")).to_be_hidden()
    page.locator("#anyway").click()
    expect(page.locator("#said")).to_be_visible()


def test_nothing_is_asked_after_loading_and_a_reload_without_network_answers(browser, folder):
    context = phone(browser)
    with serving_folder(folder) as site:
        page = context.new_page()
        page.goto(site.address)
        page.locator(READY).wait_for()
        asked, seen = len(site.asked), []
        page.on("request", lambda request: seen.append(request.url))
        for path in FILMS[:2]:
            page.set_input_files("#file", path)
            expect(page.locator("#about")).to_contain_text(path.name)
        for row in page.locator("#judged button").all():
            row.click()
        assert site.asked[asked:] == []
        assert [url for url in seen if not url.startswith("blob:")] == []
        verdict = page.locator("#verdict").text_content()
    # The server is gone, and the browser is told that there is no network.
    context.set_offline(True)
    page.reload()
    page.locator(READY).wait_for()
    page.set_input_files("#file", FILMS[1])
    expect(page.locator("#about")).to_contain_text(FILMS[1].name)
    assert page.locator("#verdict").text_content() == verdict
    context.close()


@pytest.mark.parametrize("where", ["page", "worker"])
def test_neither_page_nor_worker_can_send_anything_elsewhere(page, site, where):
    other = site.address.replace("127.0.0.1", "localhost")
    send = f"fetch({json.dumps(other)}).then(() => 'sent', () => 'kept')"
    inside = f"""() => new Promise((done) => {{
        const source = {json.dumps(f"{send}.then((word) => postMessage(word))")};
        const worker = new Worker(URL.createObjectURL(new Blob([source])));
        worker.onmessage = (event) => done(event.data);
    }})"""
    assert page.evaluate(f"() => {send}" if where == "page" else inside) == "kept"


def test_a_damaged_network_is_told_of(browser, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "app")
    data = bytearray((tmp_path / "app" / "network.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "app" / "network.onnx").write_bytes(data)
    context = phone(browser)
    with serving_folder(tmp_path / "app") as site:
        page = context.new_page()
        page.goto(site.address)
        expect(page.locator("#problem")).to_contain_text("network.onnx arrived damaged")
    context.close()


WHOLE = """async (list) => {
    const names = await caches.keys();
    if (names.length !== 1 || !names[0].endsWith("#" + list.version)) return false;
    const cache = await caches.open(names[0]);
    for (const [path, sum] of Object.entries(list.files)) {
        const bytes = await (await cache.match(new URL(path, location.href).href)).arrayBuffer();
        const own = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        if (Array.from(own, (byte) => byte.toString(16).padStart(2, "0")).join("") !== sum) return false;
    }
    return true;
}"""


def test_a_new_version_takes_over_whole_though_the_host_lets_files_be_kept(browser, folder, tmp_path):
    app = shutil.copytree(folder, tmp_path / "app")
    context = phone(browser)
    with serving_folder(app, kept_s=3600) as site:
        page = context.new_page()
        page.goto(site.address)
        page.locator(READY).wait_for()
        for name in ("house.json", "app/answers.js"):
            (app / name).write_text((app / name).read_text() + "\n")
        list_files(app)
        new = json.loads((app / "files.js").read_text().removeprefix("self.CXRKD = ").rstrip().removesuffix(";"))
        page.reload()
        until = time.monotonic() + 120
        while not page.evaluate(WHOLE, new):  # an async function, which `wait_for_function` takes for true
            assert time.monotonic() < until
            page.wait_for_timeout(100)
        page.reload()
        assert page.evaluate("self.CXRKD.version") == new["version"]
        page.locator(READY).wait_for()
    context.close()


def test_a_browser_without_room_answers_and_says_that_it_keeps_nothing(browser, folder):
    context = phone(browser)
    with serving_folder(folder) as site:
        page = context.new_page()
        quota = {"origin": site.address.rstrip("/"), "quotaSize": 1000}
        context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
        page.goto(site.address)
        expect(page.locator("#state")).to_contain_text("keeps nothing for offline use")
        page.set_input_files("#file", FILMS[0])
        expect(page.locator("#judged li").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(page, scheme, tmp_path):
    page.emulate_media(color_scheme=scheme)
    page.set_input_files("#file", FILMS[0])
    expect(page.locator("#about")).to_contain_text(FILMS[0].name)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    # In one look, for an answer that comes replaces them; what is hidden has no height.
    heights = "() => [...document.querySelectorAll('button, .button')].map((one) => one.getBoundingClientRect().height)"
    seen = [height for height in page.evaluate(heights) if height]
    assert seen
    assert min(seen) >= 44
    page.emulate_media(color_scheme="light")


TRACKS = """
    const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.tracks = [];
    navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await given(wish);
        tracks.push(...stream.getTracks());
        return stream;
    };
"""


@pytest.mark.parametrize("what", ["film", "wall"])
def test_the_camera_is_answered_live_and_a_wall_is_told_from_a_film(browser, what, site, tmp_path):
    film = cv2.resize(pixels(FILMS[2]), (480, 480), interpolation=cv2.INTER_AREA)
    video = write_video(tmp_path / "camera.y4m", film if what == "film" else np.full_like(film, 20))
    # Another Chromium, whose camera plays the video.
    seeing = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera_flags(video)])
    page = phone(seeing, permissions=["camera"]).new_page()
    page.add_init_script(TRACKS)
    page.goto(site.address)
    page.locator(READY).wait_for()
    page.evaluate("() => { for (let n = 0; n < 2; n++) document.getElementById('camera').click(); }")
    if what == "wall":
        expect(page.locator("#reason")).to_contain_text("almost blank")
        expect(page.locator("#said")).to_be_hidden()
    else:
        expect(page.locator("#judged li").first).to_be_visible()
        expect(page.locator("#rate")).to_contain_text("pictures a second")
        for _ in range(2):
            page.locator("#quarter").click()
        expect(page.locator("#reason")).to_contain_text("upside down")
    page.locator("#camera").click()
    expect(page.locator("#straighten")).to_be_hidden()
    assert page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]
    seeing.close()


def test_a_film_that_is_handed_over_stands_beside_its_teacher(page, site, model):
    run = open_run("nih")
    film = film_of(FILMS[3].read_bytes(), FILMS[3].name, model.input_size)
    teacher = build_engine(run.load_model("teacher"), "pytorch", threads=1)
    thresholds = {member: run.thresholds(member) for member in ("teacher", "distilled")}
    (answer,) = classify(
        [film], {"teacher": teacher}, labels=run.labels, thresholds={"teacher": thresholds["teacher"]}, timed=False
    )
    handed = base64.b64encode(json.dumps(document(answer)).encode()).decode()
    before = len(site.asked)
    page.evaluate("(film) => { location.hash = film; }", handed)
    expect(page.locator("#about")).to_contain_text(re.compile("^Film · answered in"))
    expect(page.locator("#lead")).to_contain_text("This film came by the server")
    with torch.inference_mode():
        probs = expit(model(torch.from_numpy(film.pixels)[None, None])[0].numpy())
    both = ~np.isnan(thresholds["teacher"]) & ~np.isnan(thresholds["distilled"])
    same = (probs >= thresholds["distilled"]) == answer.members["teacher"].positive
    expect(page.locator("#agreement")).to_contain_text(f"agree on {(same & both).sum()} of the {both.sum()} findings")
    assert site.asked[before:] == []
