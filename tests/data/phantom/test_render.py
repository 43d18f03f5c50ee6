"""One phantom: the same every time, its masks where its findings are, its signs what they claim to be."""

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from scipy.stats import spearmanr

from cxrkd.data.phantom import n_visits, render, view_and_labels
from cxrkd.data.phantom.findings.plan import BARELY, plan
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14

SIZE = 64
KEYS = [(p, v) for p in range(12) for v in range(n_visits(0, p))]


def digest(phantom):
    parts = (phantom.pixels, phantom.labels, phantom.masks, phantom.severity)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts) + phantom.view.encode()).hexdigest()


def change(label, patient, size=112, seed=3):
    """Absolute grey-level change that one finding makes, and the finding's mask."""
    with_it = render(seed, patient, 0, size, (label,))
    without = render(seed, patient, 0, size, ())
    difference = np.abs(with_it.pixels.astype(float) - without.pixels)
    return difference, with_it.masks[CHESTXRAY14.index(label)]


def grown(mask, pixels=4):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1,) * 2)) > 0


def test_the_order_of_calls_does_not_matter():
    forwards = {key: digest(render(0, *key, SIZE)) for key in KEYS}
    backwards = {key: digest(render(0, *key, SIZE)) for key in reversed(KEYS)}
    assert forwards == backwards
    assert len(set(forwards.values())) == len(KEYS)


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from cxrkd.data.phantom import render; p = render(5, 17, 0, 64); "
        "print(hashlib.sha256(p.pixels.tobytes() + p.masks.tobytes()).hexdigest())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = render(5, 17, 0, 64)
    assert elsewhere == hashlib.sha256(here.pixels.tobytes() + here.masks.tobytes()).hexdigest()


def test_seed_patient_and_visit_each_change_the_image():
    base = render(0, 1, 0, SIZE).pixels
    others = (render(1, 1, 0, SIZE), render(0, 2, 0, SIZE), render(0, 1, 1, SIZE))
    assert all(np.abs(base.astype(int) - other.pixels).mean() > 1 for other in others)


def test_types_and_shapes():
    phantom = render(0, 3, 0, 96)
    assert phantom.pixels.shape == (96, 96)
    assert phantom.pixels.dtype == np.uint8
    assert phantom.masks.shape == (14, 96, 96)
    assert phantom.masks.dtype == bool
    assert phantom.labels.dtype == phantom.severity.dtype == np.float32
    assert phantom.view in ("PA", "AP")
    assert phantom.image_id.startswith(phantom.patient)


@pytest.mark.parametrize("size", [32, 64, 224])
def test_a_mask_is_empty_exactly_where_its_label_is_absent(size):
    for key in KEYS[: 12 if size == 224 else None]:
        phantom = render(0, *key, size)
        np.testing.assert_array_equal(phantom.masks.any((1, 2)), phantom.labels == 1)
        np.testing.assert_array_equal(phantom.severity > 0, phantom.labels == 1)


@pytest.mark.parametrize("label", CHESTXRAY14)
def test_every_finding_has_a_mask_for_many_patients_even_at_32_pixels(label):
    for patient in range(15):
        assert render(8, patient, 0, 32, (label,)).masks[CHESTXRAY14.index(label)].any()


def test_all_findings_at_once_can_be_drawn():
    phantom = render(0, 0, 0, SIZE, CHESTXRAY14)
    assert phantom.masks.any((1, 2)).all()


# Findings that move the diaphragm or the heart change edges beside their mask too.
SPREAD_OUT = {"Atelectasis": 2.5, "Emphysema": 2.5, "Fibrosis": 2.5, "Pneumothorax": 4.0}


@pytest.mark.parametrize("label", CHESTXRAY14)
def test_what_a_finding_changes_lies_in_its_mask(label):
    inside, outside = [], []
    for patient in range(6):
        difference, mask = change(label, patient)
        near = grown(mask)
        inside.append(difference[near].mean())
        outside.append(difference[~near].mean())
        assert difference[near].mean() > SPREAD_OUT.get(label, 8.0) * difference[~near].mean()
    assert np.mean(inside) > 2.0, "on average a finding is visible"


@pytest.mark.parametrize("label", [name for name in CHESTXRAY14 if name not in SPREAD_OUT])
def test_most_of_the_change_is_inside_the_mask(label):
    shares = []
    for patient in range(6):
        difference, mask = change(label, patient)
        shares.append(difference[grown(mask)].sum() / difference.sum())
    assert np.mean(shares) > 0.6


def width(mask):
    columns = np.flatnonzero(mask.any(0))
    return columns[-1] - columns[0] + 1


def test_cardiothoracic_ratio_measured_on_the_masks():
    ratios, severities = [], []
    for patient in range(24):
        phantom = render(1, patient, 0, 224, ("Cardiomegaly",))
        lungs = render(1, patient, 0, 224, ("Cardiomegaly", "Emphysema")).masks[CHESTXRAY14.index("Emphysema")]
        ratios.append(width(phantom.masks[CHESTXRAY14.index("Cardiomegaly")]) / width(lungs))
        severities.append(phantom.severity[CHESTXRAY14.index("Cardiomegaly")])
    assert min(ratios) > 0.48  # 0.5 less a pixel at each border and the slightly wider emphysematous chest
    assert max(ratios) > 0.60
    assert spearmanr(ratios, severities).statistic > 0.9


def test_pneumothorax_erases_the_markings_beyond_its_line():
    rougher = []
    for patient in range(8):
        with_it = render(6, patient, 0, 224, ("Pneumothorax",))
        without = render(6, patient, 0, 224, ())
        index = CHESTXRAY14.index("Pneumothorax")
        if with_it.severity[index] < 0.4:
            continue
        mask = cv2.erode(with_it.masks[index].astype(np.uint8), np.ones((5, 5))) > 0
        darker = without.pixels[mask].mean() - with_it.pixels[mask].mean()
        assert darker > 2
        rougher.append(darker)
    assert len(rougher) >= 3


def test_effusion_whitens_the_angle_and_emphysema_darkens_the_lungs():
    for label, sign in (("Effusion", 1), ("Emphysema", -1), ("Consolidation", 1), ("Edema", 1)):
        index = CHESTXRAY14.index(label)
        for patient in range(6):
            with_it, without = render(2, patient, 0, SIZE, (label,)), render(2, patient, 0, SIZE, ())
            change = with_it.pixels[with_it.masks[index]].astype(float) - without.pixels[with_it.masks[index]]
            assert sign * change.mean() > 0, (label, patient)


def test_the_heart_points_to_the_patients_left_which_is_right_on_the_film():
    for patient in range(6):
        heart = render(0, patient, 0, SIZE, ("Cardiomegaly",)).masks[CHESTXRAY14.index("Cardiomegaly")]
        assert np.argwhere(heart)[:, 1].mean() > SIZE / 2


def test_severity_has_a_barely_visible_share_and_mostly_visible_cases():
    severity = np.array([plan("Mass", 0, patient, 0).severity for patient in range(600)])
    assert abs((severity < 0.28).mean() - BARELY) < 0.06
    assert (severity > 0.4).mean() > 0.65
    assert severity.min() >= 0.05
    assert severity.max() <= 1


def test_a_finding_stays_on_its_side_and_near_its_place_between_visits():
    first, second = (render(4, 9, visit, 112, ("Mass",)).masks[4] for visit in (0, 1))
    centres = [np.argwhere(mask).mean(0) for mask in (first, second)]
    assert np.linalg.norm(centres[0] - centres[1]) < 0.15 * 112


def test_anatomy_stays_with_the_patient():
    # Two films of one patient are more alike, after removing brightness, than films of two patients.
    def outline(patient, visit):
        image = cv2.GaussianBlur(render(4, patient, visit, SIZE, ()).pixels.astype(float), (0, 0), 2)
        return ((image - image.mean()) / image.std()).ravel()

    own = [np.corrcoef(outline(p, 0), outline(p, 1))[0, 1] for p in range(10)]
    other = [np.corrcoef(outline(p, 0), outline((p + 1) % 10, 1))[0, 1] for p in range(10)]
    assert np.mean(own) > np.mean(other)


def test_every_size_shows_the_same_film():
    large, small = render(0, 5, 0, 256).pixels, render(0, 5, 0, 64).pixels
    reduced = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(reduced.ravel(), small.ravel())[0, 1] > 0.98
    assert abs(reduced.mean() - small.mean()) < 4


def test_view_is_not_told_by_the_label_alone():
    pairs = [view_and_labels(0, patient, 0) for patient in range(1500)]
    ap = np.array([view == "AP" for view, _ in pairs])
    present = np.array([labels for _, labels in pairs])
    assert 0.3 < ap.mean() < 0.5
    for index, name in enumerate(CHESTXRAY14):
        assert 0.15 < ap[present[:, index]].mean() < 0.8, name


@pytest.mark.parametrize(("patient", "visit", "size"), [(-1, 0, 64), (0, 4, 64), (0, -1, 64), (0, 0, 16)])
def test_numbers_out_of_range_are_refused(patient, visit, size):
    with pytest.raises(DataError, match="A phantom needs"):
        render(0, patient, visit, size)


def test_an_unknown_finding_is_refused():
    with pytest.raises(DataError, match="Fracture"):
        render(0, 0, 0, 64, ("Fracture",))
