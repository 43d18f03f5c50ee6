"""Where a film comes from: the run's test patients or an upload. Widgets -> `Film`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxrkd.dashboard import caching, parts, session
from cxrkd.dashboard.access import images_here
from cxrkd.dashboard.pictures import grey_to_rgb, outlined, outlines
from cxrkd.dashboard.session import Film
from cxrkd.data.preview import Film as DataFilm
from cxrkd.data.preview import Preview
from cxrkd.errors import ImageError
from cxrkd.images import crop_note, to_input
from cxrkd.labels import display_name
from cxrkd.runs import Run

SAMPLES, UPLOADS = "Samples", "Uploads"
ANY = "Any finding"
NONE = "No finding"
THUMBNAIL_PX = 96
FORGET_HELP = "Removes these files from memory."
NAMES_SHOWN = 3
ANYWAY_HELP = "The models know frontal chest radiographs only; what they say about anything else means nothing."

Upload = tuple[str, bytes]


def choose_source(run: Run, title: str, key: str) -> str:
    """SAMPLES or UPLOADS; a run whose images are not on this machine starts with uploads."""
    start = SAMPLES if images_here(run.config.data) else UPLOADS
    return parts.choose(title, [SAMPLES, UPLOADS], start, key=key)


def ask_for_upload(run: Run) -> None:
    """The empty state of a page without an upload; samples are offered where there are some."""
    samples = ", or switch to Samples" if images_here(run.config.data) else ""
    parts.empty_state(f"No film yet. Drop a radiograph above{samples}.")


def film_of_row(run: Run, row: int) -> Film:
    """A test image of the run with its truth."""
    table = caching.table(run.config.data)
    found = caching.film(run.config.data, row, run.config.data.image_size)
    return Film(
        name=str(table.ids[row]),
        key=f"{table.ids[row]}@{run.config.data.image_size}",
        pixels=found.pixels.astype(np.float32) / 255,
        real=not table.synthetic,
        row=row,
        truth=truth_of(table, row),
    )


def truth_of(table: Preview, row: int) -> tuple[str, ...] | None:
    """The labels known to be present, empty where all are known to be absent; None where that is not known."""
    present = tuple(label for label, there in zip(table.labels, table.positive[row], strict=True) if there)
    return present if present or table.no_finding[row] else None


def sample_rows(table: Preview, finding: str) -> list[int]:
    """Test rows with a finding, or with any, or with none."""
    rows = table.rows("test")
    if finding == NONE:
        return [int(row) for row in rows if table.no_finding[row]]
    if finding == ANY:
        return [int(row) for row in rows if table.positive[row].any()]
    return [int(row) for row in rows if table.positive[row, table.labels.index(finding)]]


def sample_title(table: Preview, row: int) -> str:
    """`Patient 12, visit 1, PA: Effusion, Mass`."""
    truth = truth_of(table, row)
    said = "findings not known" if truth is None else ", ".join(map(display_name, truth)) or "no finding"
    return f"{table.titles[row]}, {table.views[row]}: {said}"


def choose_samples(run: Run, key: str) -> list[Film]:
    """One or more test images of the run; none where its images are not on this machine."""
    if not images_here(run.config.data):
        parts.images_elsewhere(run, "Upload films instead: the choice is above.")
        return []
    table = caching.table(run.config.data)
    left, right = st.columns([1, 3])
    finding = left.selectbox("Samples with", [ANY, NONE, *table.labels], format_func=_title, key=f"{key}_finding")
    rows = sample_rows(table, finding)
    chosen = right.multiselect(
        "Test images", rows, default=rows[:1], format_func=lambda row: sample_title(table, row), key=f"{key}_{finding}"
    )
    if not chosen:
        parts.empty_state("No film yet. Take one of the samples, or switch to Uploads.")
    return [film_of_row(run, row) for row in chosen]


def choose_sample(run: Run, key: str) -> Film | None:
    """One test image of the run; None where none has the finding, or its images are not on this machine."""
    if not images_here(run.config.data):
        parts.images_elsewhere(run, "Upload films instead: the choice is above.")
        return None
    table = caching.table(run.config.data)
    left, right = st.columns([1, 2])
    finding = left.selectbox("Sample with", [ANY, NONE, *table.labels], format_func=_title, key=f"{key}_finding")
    rows = sample_rows(table, finding)
    row = right.selectbox("Test image", rows, format_func=lambda row: sample_title(table, row), key=f"{key}_{finding}")
    return None if row is None else film_of_row(run, row)


def _title(choice: str) -> str:
    return choice if choice in (ANY, NONE) else display_name(choice)


def remember_uploads(key: str) -> tuple[Upload, ...]:
    """The upload box: what lies in it, or what lay in it when a page with such a box was left.

    Streamlit empties a box whose page is left; only a box that the visitor empties makes us forget. A file that the
    browser itself refuses, for its size, never comes here.

    Returns:
        Name and bytes of each file; of files of one name the later ones are called `film.png (2)` and so on.
    """
    chosen = session.current()
    size = st.get_option("server.maxUploadSize")
    files = st.file_uploader(
        f"Radiographs: PNG or JPEG with 8 or 16 bits, or DICOM, at most {size} MB each",
        accept_multiple_files=True,
        key=key,
        on_change=_box_changed,
        args=(key,),
        help="Several at once. Files stay in memory until you remove them or close the tab. One that the box marks red "
        "is too large and was not taken.",
    )
    if files:
        chosen.uploads = _named(files)
    elif chosen.uploads:
        _show_remembered(chosen.uploads)
    return chosen.uploads


def _box_changed(key: str) -> None:
    """The visitor has added or removed files; none left means that none is remembered."""
    _keep(_named(st.session_state[key]))


def _keep(uploads: tuple[Upload, ...]) -> None:
    chosen = session.current()
    caching.forget(set(chosen.uploads) - set(uploads))
    chosen.uploads = uploads


def _named(files: Sequence[UploadedFile]) -> tuple[Upload, ...]:
    """Name and bytes of each file that is still there, under names that differ."""
    taken: set[str] = set()
    found = []
    for file in files:
        if isinstance(file, UploadedFile):  # Streamlit puts a marker for a file that it has dropped already
            taken.add(name := _free_name(file.name, taken))
            found.append((name, file.getvalue()))
    return tuple(found)


def _free_name(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name} ({n})" for n in count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _show_remembered(uploads: Sequence[Upload]) -> None:
    """Which files are answered though the box is empty, and how to be rid of them."""
    names = ", ".join(parts.literal(name) for name, _ in uploads[:NAMES_SHOWN])
    more = f" and {len(uploads) - NAMES_SHOWN} more" if len(uploads) > NAMES_SHOWN else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/history: Remembered from before: {names}{more}. New files take their place.")
        st.button("Forget", icon=":material/delete:", on_click=_keep, args=((),), help=FORGET_HELP)


def read_upload(name: str, data: bytes, size: int) -> Film:
    """One uploaded file as a film.

    Raises:
        ImageError: it is not a radiograph we can read.
        GateError: the coefficients of the radiograph gate are missing or damaged.
    """
    found = caching.radiograph(data, name)
    crop = crop_note(found)
    notes = (*found.notes, crop) if crop else found.notes
    # Colour is judged but not kept in the pixels: the same tones with and without it are two films.
    key = f"{found.sha256}-{found.colour:.3f}"
    gate = caching.gate(key, found)
    return Film(name=name, key=key, pixels=to_input(found, size), notes=notes, real=True, gate=gate)


def read_uploads(uploads: Sequence[Upload], size: int, key: str) -> list[Film]:
    """The uploads to answer; each of the others gets a line that says why not."""
    films = []
    for name, data in uploads:
        try:
            films.append(read_upload(name, data, size))
        except ImageError as error:
            parts.refused(error, ":material/broken_image:")
    return [film for index, film in enumerate(films) if admitted(film, f"{key}_anyway_{index}")]


def admitted(film: Film, key: str) -> bool:
    """Whether to answer a film; a flagged one shows why, and is answered when the visitor says so."""
    if not film.flagged or film.gate is None:
        return True
    anyway = session.current().answered_anyway
    with st.container(border=True):
        picture, words = st.columns([1, 6], vertical_alignment="center")
        picture.image(grey_to_rgb(film.pixels), width=THUMBNAIL_PX, alt=film.name)
        words.warning(f"{parts.literal(film.name)}: {film.gate.reason}", icon=":material/front_hand:")
        # The key holds the film: another upload in the same place starts unticked.
        ticked = film.identity in anyway
        asked = words.checkbox("Answer anyway", value=ticked, key=f"{key}_{film.identity}", help=ANYWAY_HELP)
    (anyway.add if asked else anyway.discard)(film.identity)
    return asked


def thumbnail(film: DataFilm, k: int | None) -> np.ndarray:
    """A film as uint8 (2 S, 2 S, 3), with label k outlined unless k is None."""
    curves = () if k is None else outlines(film.masks[k])
    return np.asarray(outlined(grey_to_rgb(film.pixels), curves, scale=2))
