// Films from files: chosen, or dropped anywhere on the page.

/** Call `onFile` with each file; of several that are dropped at once with the first. */
export function chooseFiles({ field, place, onFile }) {
  field.addEventListener("change", () => {
    if (field.files.length) onFile(field.files[0]);
    field.value = ""; // the same file may be chosen again
  });
  const hover = (on) => (event) => {
    event.preventDefault();
    place.classList.toggle("dropping", on);
  };
  place.addEventListener("dragover", hover(true));
  place.addEventListener("dragleave", hover(false));
  place.addEventListener("drop", (event) => {
    hover(false)(event);
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0]);
  });
}
