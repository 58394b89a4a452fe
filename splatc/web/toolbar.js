/** The buttons of a viewer. */
import { icon, make } from "./dom.js";

/**
 * @typedef {"minus" | "zoom" | "plus" | "fit" | "one" | "eight" | "ellipses" | "compare" | "info" | "full"} Name
 *
 * @typedef {object} Button
 * @property {Name} name
 * @property {string} label
 * @property {string} key on the keyboard
 * @property {string} [text] shown; else its icon
 * @property {boolean} [isSwitch] it is on or off
 */

/** @type {Button[][]} in groups */
const GROUPS = [
  [
    { name: "minus", label: "Zoom out", key: "-" },
    { name: "zoom", label: "Zoom", key: "", text: "100 %" },
    { name: "plus", label: "Zoom in", key: "+" },
  ],
  [
    { name: "fit", label: "Fit to window", key: "0" },
    { name: "one", label: "One pixel to a pixel of the screen", key: "1", text: "1:1" },
    { name: "eight", label: "Eight times as large", key: "8", text: "8×" },
  ],
  [
    { name: "ellipses", label: "Gaussians as ellipses", key: "g", isSwitch: true },
    { name: "compare", label: "Compare with another picture", key: "c", isSwitch: true },
    { name: "info", label: "About this picture", key: "i", isSwitch: true },
    { name: "full", label: "Full screen", key: "f", isSwitch: true },
  ],
];

export class Toolbar {
  /** @param {(name: Name) => void} act */
  constructor(act) {
    /** @type {Map<Name, HTMLButtonElement>} */
    this.buttons = new Map();
    const groups = GROUPS.map((group) => make("div", { class: "splat-group" }, ...group.map((button) => this.#make(button, act))));
    this.element = make("div", { class: "splat-bar", role: "toolbar", "aria-label": "View", hidden: true }, ...groups);
  }

  /**
   * @param {Button} button
   * @param {(name: Name) => void} act
   */
  #make({ name, label, key, text, isSwitch = false }, act) {
    const title = key ? `${label} (${key.toUpperCase()})` : label;
    const attributes = { type: "button", class: `splat-${name}`, title, "aria-label": label, "aria-pressed": isSwitch && "false" };
    const content = text ?? icon(/** @type {any} */ (name));
    const button = make("button", { ...attributes, "aria-keyshortcuts": key && (key === "+" ? "Plus" : key) }, content);
    button.addEventListener("click", () => act(name));
    this.buttons.set(name, button);
    return button;
  }

  /** @param {number} zoom */
  setZoom(zoom) {
    const button = /** @type {HTMLButtonElement} */ (this.buttons.get("zoom"));
    button.textContent = percent(zoom);
    button.setAttribute("aria-label", `Zoom ${percent(zoom)}`);
  }

  /**
   * @param {Name} name
   * @param {boolean} isOn
   */
  setPressed(name, isOn) {
    this.buttons.get(name)?.setAttribute("aria-pressed", String(isOn));
  }

  /** @param {Name} name */
  remove(name) {
    this.buttons.get(name)?.remove();
  }
}

/** @param {number} zoom */
export const percent = (zoom) => `${zoom < 0.1 ? (100 * zoom).toPrecision(2) : Math.round(100 * zoom)} %`;
