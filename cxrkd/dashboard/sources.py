"""Where a film comes from: test patients, the run's own or those that ship, or an upload. Widgets -> `Film`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxrkd.config import DataConfig
from cxrkd.dashboard import layout, session
from cxrkd.dashboard.access import films_of
from cxrkd.dashboard.caching import cohorts, run_figures
from cxrkd.dashboard.pictures import grey_to_rgb, outlined, outlines
from cxrkd.dashboard.serving import uploads
from cxrkd.dashboard.serving.uploads import Upload
from cxrkd.data.cohort import Cohort
from cxrkd.errors import ImageError
from cxrkd.images.files import film_of
from cxrkd.images.film import Film
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.sample_films import about_shipped

SAMPLES, UPLOADS = "Samples", "Uploads"
ANY = "Any finding"
NONE = "No finding"
THUMBNAIL_PX = 96
UPLOAD_INSTEAD = "Upload films instead: the choice is above."
FORGET_HELP = "Removes these files from memory."
NAMES_SHOWN = 3
ANYWAY_HELP = "The models know frontal chest radiographs only; what they say about anything else means nothing."


def choose_source(run: Run, title: str, key: str) -> str:
    """SAMPLES or UPLOADS; a run of which there are no films on this machine starts with uploads."""
    start = SAMPLES if films_of(run) else UPLOADS
    return layout.choose(title, [SAMPLES, UPLOADS], start, key=key)


def ask_for_upload(run: Run) -> None:
    """The empty state of a page without an upload; samples are offered where there are some."""
    samples = ", or switch to Samples" if films_of(run) else ""
    layout.empty_state(f"No film yet. Drop a radiograph above{samples}.")


def shown_films(run: Run, instead: str, *links: str) -> tuple[DataConfig, Cohort] | None:
    """The films that a run can be looked at on, under a line on those that are not its own.

    Args:
        run: the chosen one.
        instead: what else can be done on this page where there are none, as a sentence.
        links: pages that help then.

    Returns:
        Which films, and what is known of them; None where there are none.
    """
    config = films_of(run)
    if config is None:
        layout.images_elsewhere(run, instead, *links)
        return None
    table = cohorts.table(config)
    if config != run.config.data:
        layout.notice(about_shipped(table, run_figures.predictions(run, run.members()[0]).patients))
    return config, table


def sample_rows(table: Cohort, finding: str) -> list[int]:
    """Test rows with a finding, or with any, or with none."""
    rows = table.rows("test")
    if finding == NONE:
        return [int(row) for row in rows if table.no_finding[row]]
    if finding == ANY:
        return [int(row) for row in rows if table.positive[row].any()]
    return [int(row) for row in rows if table.positive[row, table.labels.index(finding)]]


def sample_findings(table: Cohort) -> list[str]:
    """What can be asked of the test films: any finding, none, or one that at least one of them has."""
    rows = table.rows("test")
    present = table.positive[rows].any(axis=0)
    labels = [label for label, shown in zip(table.labels, present, strict=True) if shown]
    return [ANY, *([NONE] if table.no_finding[rows].any() else []), *labels]


def sample_title(table: Cohort, row: int) -> str:
    """`Patient 12, visit 1, PA: Effusion, Mass`."""
    return f"{table.titles[row]}, {table.views[row]}: {findings(present_in(table, row))}"


def present_in(table: Cohort, row: int) -> tuple[str, ...] | None:
    """Labels of a row that are known to be present; see `Truth.present`."""
    present = tuple(label for label, positive in zip(table.labels, table.positive[row], strict=True) if positive)
    return present if present or table.no_finding[row] else None


def findings(present: tuple[str, ...] | None) -> str:
    """What is known to be on a film, in words."""
    return "findings not known" if present is None else ", ".join(map(display_name, present)) or "no finding"


def choose_samples(run: Run, key: str) -> list[Film]:
    """One or more test images; none where there are none on this machine."""
    films = shown_films(run, UPLOAD_INSTEAD)
    if films is None:
        return []
    config, table = films
    left, right = st.columns([1, 3])
    finding = left.selectbox("Samples with", sample_findings(table), format_func=finding_title, key=f"{key}_finding")
    rows = sample_rows(table, finding)
    chosen = right.multiselect(
        "Test images", rows, default=rows[:1], format_func=lambda row: sample_title(table, row), key=f"{key}_{finding}"
    )
    if not chosen:
        layout.empty_state("No film yet. Take one of the samples, or switch to Uploads.")
    return [cohorts.film(config, row, config.image_size) for row in chosen]


def finding_title(choice: str) -> str:
    """What people read in a box of `sample_findings`."""
    return choice if choice in (ANY, NONE) else display_name(choice)


def remember_uploads(key: str) -> tuple[Upload, ...]:
    """The upload box: what lies in it, or what lay in it when a page with such a box was left.

    Streamlit empties a box whose page is left; only a box that the visitor empties makes us forget. A file that the
    browser itself refuses, for its size, never comes here.

    Returns:
        Name and bytes of each file, no more than one visitor may hold; of files of one name the later ones are called
        `film.png (2)` and so on.
    """
    chosen = session.current()
    size = st.get_option("server.maxUploadSize")
    files = st.file_uploader(
        f"Radiographs: PNG or JPEG with 8 or 16 bits, or DICOM, at most {size} MB each",
        accept_multiple_files=True,
        key=key,
        on_change=_box_changed,
        args=(key,),
        help=f"Several at once, {uploads.BOUNDS}. Files stay in memory until you remove them or close the tab. One "
        "that the box marks red was not taken: it is too large, or there is no room for it.",
    )
    uploads.release(files)
    if files:
        kept, left = uploads.within_bounds(files)
        chosen.uploads = uploads.named(kept)
        _show_not_taken(left)
    elif chosen.uploads:
        _show_remembered(chosen.uploads)
    return chosen.uploads


def _box_changed(key: str) -> None:
    """The visitor has added or removed files; none left means that none is remembered."""
    # Streamlit puts a marker for a file that it has dropped already.
    files = [file for file in st.session_state[key] if isinstance(file, UploadedFile)]
    _keep(uploads.named(uploads.within_bounds(files)[0]))


def _keep(kept: tuple[Upload, ...]) -> None:
    """Remember these uploads and nothing of the others."""
    chosen = session.current()
    if any(upload not in kept for upload in chosen.uploads):
        chosen.not_taken = ""  # there is room again
    chosen.uploads = kept
    chosen.films = {key: entry for key, entry in chosen.films.items() if (key[0], entry[0]) in kept}


def _show_not_taken(left: Sequence[UploadedFile]) -> None:
    if left:
        st.warning(uploads.left_out([layout.literal(file.name) for file in left]), icon=":material/block:")
    elif session.current().not_taken:
        st.warning(session.current().not_taken, icon=":material/block:")


def _show_remembered(kept: Sequence[Upload]) -> None:
    """Which files are answered though the box is empty, and how to be rid of them."""
    names = ", ".join(layout.literal(name) for name, _ in kept[:NAMES_SHOWN])
    more = f" and {len(kept) - NAMES_SHOWN} more" if len(kept) > NAMES_SHOWN else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/history: Remembered from before: {names}{more}. New files take their place.")
        st.button("Forget", icon=":material/delete:", on_click=_keep, args=((),), help=FORGET_HELP)


def read_upload(name: str, data: bytes, size: int) -> Film:
    """One uploaded file as a film; read once, whether or not it can be read.

    Raises:
        ImageError: it is not a radiograph we can read.
        GateError: the coefficients of the radiograph gate are missing or damaged.
    """
    films = session.current().films
    before, outcome = films.get((name, size), (None, None))
    if before != data or outcome is None:
        outcome = _read_film(name, data, size)
        films[name, size] = data, outcome
    if isinstance(outcome, ImageError):
        raise ImageError(str(outcome))
    return outcome


def digests(chosen: Mapping[str, bytes], size: int) -> dict[str, str]:
    """Name -> hash of the pixels, of the uploads that can be read."""
    known = {}
    for name, data in chosen.items():
        with suppress(ImageError):  # whoever shows it says why not
            known[name] = read_upload(name, data, size).digest
    return known


def _read_film(name: str, data: bytes, size: int) -> Film | ImageError:
    """The film, of which only what the networks and the gate see is kept; or why there is none."""
    try:
        return film_of(data, name, size, apart=True)
    except ImageError as error:
        return ImageError(str(error))  # without the frames that led to it, which hold the file


def read_uploads(chosen: Sequence[Upload], size: int, key: str) -> list[Film]:
    """The uploads to answer; each of the others gets a line that says why not."""
    films = []
    for name, data in chosen:
        try:
            films.append(read_upload(name, data, size))
        except ImageError as error:
            layout.refused(error, ":material/broken_image:")
    return [film for index, film in enumerate(films) if admitted(film, f"{key}_anyway_{index}")]


def admitted(film: Film, key: str) -> bool:
    """Whether to answer a film; a flagged one shows why, and is answered when the visitor says so."""
    if not film.flagged or film.gate is None:
        return True
    anyway = session.current().answered_anyway
    with st.container(border=True):
        picture, words = st.columns([1, 6], vertical_alignment="center")
        picture.image(grey_to_rgb(film.pixels), width=THUMBNAIL_PX, alt=film.name)
        words.warning(f"{layout.literal(film.name)}: {film.gate.reason}", icon=":material/front_hand:")
        # The key holds the film: another upload in the same place starts unticked.
        ticked = film.identity in anyway
        asked = words.checkbox("Answer anyway", value=ticked, key=f"{key}_{film.identity}", help=ANYWAY_HELP)
    (anyway.add if asked else anyway.discard)(film.identity)
    return asked


def thumbnail(film: Film, k: int | None) -> np.ndarray:
    """A film as uint8 (2 S, 2 S, 3), with label k outlined unless k is None."""
    curves = () if k is None or film.truth is None else outlines(film.truth.masks(len(film.tones))[k])
    return np.asarray(outlined(grey_to_rgb(film.tones), curves, scale=2))
