// Lays a photo as it was over the restored one. The divider is a native range input, which a finger, a mouse, the arrow
// keys and a screen reader can all move. Without script both pictures are side by side.

/** Make each `data-compare` in an element comparable. */
export function compare(root = document) {
  for (const pair of root.querySelectorAll("[data-compare]:not(.compared)")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = 0;
    slider.max = 100;
    slider.value = 50;
    slider.setAttribute("aria-label", pair.dataset.sliderLabel);
    const show = () => {
      pair.style.setProperty("--share", `${slider.value}%`);
      slider.setAttribute("aria-valuetext", `${slider.value} %`);
    };
    slider.addEventListener("input", show);
    show();
    pair.append(slider);
    pair.classList.add("compared");
  }
}
