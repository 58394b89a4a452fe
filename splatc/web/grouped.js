/** Numbers as text. */

/**
 * A whole number with thin spaces between thousands.
 * @param {number} number
 */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
