/** Gaussians as ellipses, one standard deviation wide, in the colours of their levels. */
import { levelColour } from "./level_colours.js";

/**
 * @typedef {import("./painter.js").Tile} Tile
 * @typedef {import("./core.js").Gaussians & {level: Int32Array}} Levelled
 */

/** Ellipses with a smaller axis than this are as good as lines, output pixels. */
const THIN = 0.35;

/**
 * @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context of a canvas of the size of the tile
 * @param {Levelled} found
 * @param {Tile} tile
 * @param {number} levels bits of those that are shown
 * @param {number} lineWidth output pixels
 */
export function drawEllipses(context, { level, mean, scale, angle }, { scale: [numerator, denominator], left, top }, levels, lineWidth) {
  const density = numerator / denominator;
  context.lineWidth = lineWidth;
  for (let each = 15; each >= 0; each--) {
    if (!(levels & (1 << each))) continue;
    context.beginPath();
    for (let i = 0; i < level.length; i++) {
      if (level[i] !== each) continue;
      const [x, y] = [mean[2 * i] * density - left, mean[2 * i + 1] * density - top];
      const [a, b] = [Math.max(scale[2 * i] * density, THIN), Math.max(scale[2 * i + 1] * density, THIN)];
      context.moveTo(x + a * Math.cos(angle[i]), y + a * Math.sin(angle[i]));
      context.ellipse(x, y, a, b, angle[i], 0, 2 * Math.PI);
    }
    context.strokeStyle = levelColour(each);
    context.stroke();
  }
}
