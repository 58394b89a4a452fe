/** In which order the sections of a view are read: coarse ones first, those near its middle first. */
import { tileOf, touches } from "./section_tile.js";

/** @typedef {import("./section_index.js").Section} Section */

/**
 * The numbers of those that may be seen in a box.
 * @param {Section[]} sections
 * @param {[number, number, number, number]} box x0, y0, x1, y1, px
 * @param {[number, number]} centre px
 */
export function sectionOrder(sections, box, centre) {
  const away = (/** @type {Section} */ section) => {
    const [x0, y0, x1, y1] = tileOf(section);
    return Math.hypot(Math.max(x0 - centre[0], 0, centre[0] - x1), Math.max(y0 - centre[1], 0, centre[1] - y1));
  };
  const seen = sections.filter((section) => touches(section, box)).map((section) => ({ section, distance: away(section) }));
  seen.sort((a, b) => b.section.top - a.section.top || a.distance - b.distance || a.section.number - b.section.number);
  return seen.map(({ section }) => section.number);
}
