"""How much memory uploads may take, of one visitor and of all, and how much they take now.

Nothing is booked: what is held is looked up where it lies, in Streamlit's store and in the visitors' sessions, so that
a visitor who is gone leaves nothing behind in a ledger.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from math import ceil

from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxrkd.dashboard import session

# Megabytes of 1,000,000 bytes. Films of one patient, or a small reading list; five such visitors fill the server.
MAX_FILES, MAX_BYTES = 32, 200_000_000
MAX_BYTES_IN_ALL = 1_000_000_000
BOUNDS = f"at most {MAX_FILES} files and {MAX_BYTES / 1e6:.0f} MB together"

Upload = tuple[str, bytes]
Held = Mapping[str, Mapping[int, int]]


def held() -> Held:
    """Bytes of every upload in memory, by visitor (the id of the session) and object, so that none counts twice."""
    sizes = {visitor: {id(data): len(data) for data in files} for visitor, files in _stored().items()}
    for visitor, chosen in session.everyone().items():
        sizes.setdefault(visitor, {}).update({id(data): len(data) for _, data in chosen.uploads})
    return sizes


def no_room(visitor: str, coming: Iterable[tuple[str, int]], now: Held) -> str | None:
    """Why the files that are coming cannot all be taken; None where they can.

    Args:
        visitor: whose file is the last of them.
        coming: visitor and bytes of each file that is on its way.
        now: as of `held`.
    """
    own = [size for who, size in coming if who == visitor]
    sizes = [*now.get(visitor, {}).values(), *own]
    if len(sizes) > MAX_FILES or sum(sizes) > MAX_BYTES:
        with_it = f"{len(sizes)} files and {ceil(sum(sizes) / 1e6):,} MB"
        return (
            f"A file was not taken: with it you would hold {with_it} here, and {BOUNDS} "
            "are kept for one visitor. Remove some, then add it again."
        )
    if sum(sum(files.values()) for files in now.values()) + sum(size for _, size in coming) > MAX_BYTES_IN_ALL:
        return (
            f"A file was not taken: the uploads of all visitors already fill the {MAX_BYTES_IN_ALL / 1e6:,.0f} MB that "
            "this server keeps for them. Try again when others have closed their tabs, or remove files of your own."
        )
    return None


def within_bounds(files: Iterable[UploadedFile]) -> tuple[list[UploadedFile], list[UploadedFile]]:
    """The first files that one visitor may hold, and the others."""
    kept: list[UploadedFile] = []
    left: list[UploadedFile] = []
    total = 0
    for file in files:
        fits = len(kept) < MAX_FILES and total + file.size <= MAX_BYTES
        total += file.size * fits
        (kept if fits else left).append(file)
    return kept, left


def named(files: Sequence[UploadedFile]) -> tuple[Upload, ...]:
    """Name and bytes of each file, under names that can be told apart."""
    taken: set[str] = set()
    uploads = []
    for file in files:
        name = _free_name(file.name, taken)
        taken.add(_looks(name))
        uploads.append((name, file.getvalue()))
    return tuple(uploads)


def _free_name(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name} ({n})" for n in count(2))
    return name if _looks(name) not in taken else next(other for other in numbered if _looks(other) not in taken)


def _looks(name: str) -> str:
    """What tells names apart: neither how letters are encoded, nor their case, nor white space that is not seen.

    A page shows no spaces at the end of a name and no characters without width; some disks do not tell cases apart.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace()).split())


def left_out(names: Sequence[str]) -> str:
    """What to say of files that are more than one visitor may hold; `names` as a page writes them."""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Not looked at: {shown}. Of one visitor, {BOUNDS} are kept. Remove some, then add them again."


def release(kept: Iterable[UploadedFile]) -> None:
    """Drop from Streamlit's store the files that were in this visitor's box and are no longer.

    Streamlit keeps those of a page that was left until the tab is closed; they would count for nothing.
    """
    context, chosen = get_script_run_ctx(), session.current()
    in_box = {file.file_id for file in kept}
    gone, chosen.in_box = chosen.in_box - in_box, in_box
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for file_id in gone:
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def _stored() -> Mapping[str, list[bytes]]:
    """What lies in Streamlit's store. Threads add to it meanwhile, so it is copied before it is walked through."""
    store = get_instance().uploaded_file_mgr if exists() else None
    if not isinstance(store, MemoryUploadedFileManager):
        return {}
    return {
        visitor: [file.data for file in files.copy().values()] for visitor, files in store.file_storage.copy().items()
    }
