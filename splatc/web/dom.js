/** Elements of a page. Text becomes text: nothing here reads HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean>} [attributes] true: without a value; false: left out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children);
  return element;
}

/** Lines of 24 x 24 icons. */
const ICONS = {
  minus: "M6 12h12",
  plus: "M6 12h12M12 6v12",
  fit: "M4 9V5h4M20 9V5h-4M4 15v4h4M20 15v4h-4",
  ellipses: "M14.3 8.3A6.5 3.6-35 1 1 3.7 15.7 6.5 3.6-35 1 1 14.3 8.3zM18.7 17.3A5 2.6 50 1 1 12.3 9.7 5 2.6 50 1 1 18.7 17.3z",
  compare: "M4 5h16v14H4zM12 3v18M8.5 10l-2 2 2 2M15.5 10l2 2-2 2",
  info: "M12 11v6M12 7.2v.3M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  full: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  close: "M7 7l10 10M17 7L7 17",
  handle: "M9 8l-4 4 4 4M15 8l4 4-4 4",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path")).setAttribute("d", ICONS[name]);
  return svg;
}
