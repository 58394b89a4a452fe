/** What a viewer says of its file, and which levels of it are outlined. */
import { icon, make } from "./dom.js";
import { grouped } from "./grouped.js";
import { levelColour } from "./level_colours.js";

/**
 * @typedef {object} Actions
 * @property {() => void} close
 * @property {(levels: number) => void} showLevels bits
 */

export class Panel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.title = make("h2");
    this.body = make("div", { class: "splat-facts", tabindex: "0", role: "group", "aria-label": "Facts" });
    const close = make("button", { type: "button", class: "splat-close", "aria-label": "Close" }, icon("close"));
    close.addEventListener("click", () => actions.close());
    const head = make("header", {}, this.title, close);
    this.element = make("aside", { class: "splat-panel", "aria-label": "About this picture", hidden: true }, head, this.body);
    /** @type {HTMLInputElement[]} */
    this.boxes = [];
  }

  /**
   * @param {string} name
   * @param {[string, string][]} facts
   * @param {number[]} levelCounts coarse to fine
   * @param {string[]} notes
   */
  show(name, facts, levelCounts, notes) {
    this.title.textContent = name;
    const rows = facts.map(([fact, text]) => make("div", {}, make("dt", {}, fact), make("dd", {}, text)));
    const remarks = notes.map((note) => make("p", { class: "splat-note" }, note));
    this.body.replaceChildren(make("dl", {}, ...rows), ...remarks, this.#levels(levelCounts));
  }

  /** @param {number[]} counts */
  #levels(counts) {
    const most = Math.max(...counts, 1);
    const rows = counts.map((count, k) => {
      const level = counts.length - 1 - k;
      const box = make("input", { type: "checkbox", checked: true, value: String(level) });
      const bar = make("i");
      bar.style.width = `${(100 * count) / most}%`;
      bar.style.background = box.style.accentColor = levelColour(level);
      box.addEventListener("change", () => this.actions.showLevels(this.levels));
      const meter = make("span", { class: "splat-meter" }, bar);
      return make("label", {}, box, make("span", {}, `level ${level}`), meter, make("span", {}, grouped(count)));
    });
    this.boxes = rows.map((row) => /** @type {HTMLInputElement} */ (row.firstChild));
    return make("fieldset", { class: "splat-levels" }, make("legend", {}, "Gaussians by level"), ...rows);
  }

  /** Bits of the levels that are ticked. */
  get levels() {
    return this.boxes.reduce((bits, box) => (box.checked ? bits | (1 << Number(box.value)) : bits), 0);
  }
}
