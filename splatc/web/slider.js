/** The line between two pictures: the first is left of it, the second right. */
import { icon, make } from "./dom.js";

/** @type {Record<string, number>} what keys move it by, of the width */
const STEPS = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 };

export class Slider {
  /** @param {() => void} onMove */
  constructor(onMove) {
    this.onMove = onMove;
    this.place = 0.5;
    const labels = { role: "slider", "aria-label": "Border between the two pictures", "aria-valuemin": "0", "aria-valuemax": "100" };
    this.handle = make("div", { class: "splat-handle", tabindex: "0", ...labels }, make("span", {}, icon("handle")));
    this.before = make("span", { class: "splat-before" });
    this.after = make("span", { class: "splat-after" });
    this.element = make("div", { class: "splat-slider", hidden: true }, this.before, this.after, this.handle);
    this.handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation(); // it is not the picture that is dragged
      this.handle.setPointerCapture(event.pointerId);
    });
    this.handle.addEventListener("pointermove", (event) => {
      if (!this.handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = this.element.getBoundingClientRect();
      this.set((event.clientX - left) / width);
    });
    this.handle.addEventListener("keydown", (event) => this.#key(event));
    this.set(0.5);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(this.place + step);
  }

  /** @param {number} place 0..1 of the width */
  set(place) {
    this.place = Math.min(Math.max(place, 0), 1);
    this.handle.style.left = `${100 * this.place}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(100 * this.place)));
    this.onMove();
  }

  /**
   * @param {string} before
   * @param {string} after
   */
  name(before, after) {
    [this.before.textContent, this.after.textContent] = [before, after];
  }
}
