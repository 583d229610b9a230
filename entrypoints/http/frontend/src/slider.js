// Lays a photo as it was over the restored one. The divider is a native range input, which a finger, a mouse, the arrow
// keys and a screen reader can all move. Without script both pictures are side by side.

/** Give each `data-compare` on the page its slider; the style sheet has laid its pictures over each other. */
export function compare() {
  for (const pictures of document.querySelectorAll("[data-compare]")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = 0;
    slider.max = 100;
    slider.value = 50;
    slider.setAttribute("aria-label", pictures.dataset.sliderLabel);
    const show = () => {
      pictures.style.setProperty("--share", `${slider.value}%`);
      slider.setAttribute("aria-valuetext", `${slider.value} %`);
    };
    slider.addEventListener("input", show);
    show();
    pictures.querySelector(".pair").append(slider);
  }
}
