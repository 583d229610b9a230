// Ways to choose photos beside the file dialog: dropping, pasting, and the camera of a phone.

/** Call `chosen(files)` for each choice, and for one that was made before the script ran. */
export function listen(form, chosen) {
  const take = (input) => {
    if (input.type === "file" && input.files.length) {
      const files = [...input.files];
      input.value = ""; // The same photo can be chosen again after a refusal.
      chosen(files);
    }
  };
  form.addEventListener("change", (event) => take(event.target));
  take(form.querySelector("[data-choose]"));
}

/** Accept photos that are dropped or pasted anywhere on the page; folders are left out. */
export function listenToPage(chosen) {
  const form = () => document.querySelector("[data-upload]");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) {
      event.preventDefault(); // Or a drop would leave the page for the photo.
      form()?.setAttribute("data-over", "");
    }
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      form()?.removeAttribute("data-over");
    }
  });
  addEventListener("drop", (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      form()?.removeAttribute("data-over");
      chosen(filesOf(event.dataTransfer.items));
    }
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      chosen([...event.clipboardData.files]);
    }
  });
}

function filesOf(items) {
  return [...items]
    .filter((item) => item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory)
    .map((item) => item.getAsFile());
}
