/** A colour for each level: blue where Gaussians are small, over green and yellow to red where they are large. */

/** @param {number} level 0..15 */
export const levelColour = (level) => `hsl(${(215 - 24 * level + 360) % 360} 95% ${level < 2 ? 65 : 58}%)`;
