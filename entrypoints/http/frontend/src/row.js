// The line of a photo that is being uploaded, cloned from the page's template.

import { say } from "./page.js";
import { preview } from "./previews.js";

/** One photo's line; `pressed` has the functions of its buttons, `remove` and `retry`. */
export class Row {
  #name;
  #element;

  constructor(file, pressed) {
    this.#name = file.name;
    const template = document.querySelector("template[data-row]");
    this.#element = template.content.firstElementChild.cloneNode(true);
    this.#part("name").textContent = file.name;
    this.#part("progress").setAttribute("aria-label", say("progress_label", { name: file.name }));
    for (const action of ["remove", "retry"]) {
      this.#part(action).setAttribute("aria-label", say(`${action}_named`, { name: file.name }));
      this.#part(action).addEventListener("click", pressed[action]);
    }
    this.waits();
    document.querySelector("[data-uploading]").append(this.#element);
    this.#picture(file);
  }

  waits() {
    this.#show("waiting");
    this.#part("retry").hidden = true;
    this.#element.removeAttribute("data-refused");
  }

  progress(share) {
    const percent = Math.floor(share * 100);
    this.#part("progress").value = percent;
    this.#show("uploading", { percent });
  }

  received() {
    this.#part("progress").removeAttribute("value"); // Nothing says how long the shop looks at a photo.
    this.#show("checking");
  }

  uploaded() {
    this.#part("progress").value = 100;
    this.#show("uploaded");
  }

  /** `why` is the key of its sentence, `values` what fills it; whether it is said for the first time. */
  paused(why, values) {
    return this.#show(why, values);
  }

  refused(why, isRetryable) {
    this.#element.setAttribute("data-refused", "");
    this.#part("progress").hidden = true;
    this.#part("retry").hidden = !isRetryable;
    this.#part("state").textContent = why;
  }

  /** Take the line away; the focus in it moves to the line after it, or to the choice of photos. */
  remove() {
    const hadFocus = this.#element.contains(document.activeElement);
    const next = this.#element.nextElementSibling ?? this.#element.previousElementSibling;
    this.#element.remove();
    if (hadFocus) {
      (next?.querySelector("[data-remove]") ?? document.querySelector("[data-choose]")).focus();
    }
  }

  #part(name) {
    return this.#element.querySelector(`[data-${name}]`);
  }

  #show(key, values) {
    const sentence = say(key, values);
    const isNew = this.#part("state").textContent !== sentence;
    if (isNew) {
      this.#part("state").textContent = sentence;
    }
    return isNew;
  }

  /** Show the photo itself; one that the browser cannot decode is shown by the server later. */
  #picture(file) {
    const picture = this.#part("picture");
    preview(file, picture, () => {
      const place = document.createElement("span");
      place.className = picture.className;
      picture.replaceWith(place);
    });
  }
}
