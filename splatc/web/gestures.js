/** Pointers, wheel and keys -> movements of a picture. Places are CSS pixels from the corner of the element. */

/**
 * @typedef {[number, number]} Place
 *
 * @typedef {object} Moves
 * @property {(across: number, down: number) => void} drag
 * @property {(factor: number, at: Place, isSmooth: boolean) => void} zoom
 * @property {() => void} rest nothing is held any more
 * @property {(event: WheelEvent) => boolean} takesWheel whether the wheel zooms, or scrolls the page
 */

/** Wheel: delta that doubles; of a pinch on a touchpad. */
const [WHEEL, PINCH] = [300, 90];
/** Pixels of a line of a wheel that counts lines. */
const LINE = 32;
/** ms and pixels between the taps of a double one. */
const [TAP_TIME, TAP_SPACE] = [320, 28];

/**
 * Starts listening; the function that comes back ends it.
 * @param {HTMLElement} element
 * @param {Moves} moves
 */
export function listen(element, moves) {
  const ending = new AbortController();
  /** @type {Map<number, Place>} pointers that are down */
  const down = new Map();
  /** @type {{time: number, at: Place, isMoved: boolean}} */
  let tap = { time: 0, at: [0, 0], isMoved: true };
  const placeOf = (/** @type {MouseEvent} */ event) => {
    const { left, top } = element.getBoundingClientRect();
    return /** @type {Place} */ ([event.clientX - left, event.clientY - top]);
  };
  const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ act) =>
    element.addEventListener(type, act, { signal: ending.signal, passive: false });

  on("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const at = placeOf(event);
    if (!down.size && !tap.isMoved && event.timeStamp - tap.time < TAP_TIME && apart(at, tap.at) < TAP_SPACE) {
      tap.isMoved = true;
      return moves.zoom(event.shiftKey ? 0.5 : 2, at, true);
    }
    down.set(event.pointerId, at);
    tap = { time: event.timeStamp, at, isMoved: down.size > 1 };
    element.classList.add("splat-held");
    return undefined;
  });
  on("pointermove", (/** @type {PointerEvent} */ event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const at = placeOf(event);
    if (apart(at, tap.at) > TAP_SPACE / 4) tap.isMoved = true;
    down.set(event.pointerId, at);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return moves.drag(at[0] - before[0], at[1] - before[1]);
    if (down.size > 2) return undefined;
    const middle = (/** @type {Place} */ a) => /** @type {Place} */ ([(a[0] + other[0]) / 2, (a[1] + other[1]) / 2]);
    moves.drag(...difference(middle(at), middle(before)));
    return moves.zoom(Math.max(apart(at, other), 1) / Math.max(apart(before, other), 1), middle(at), false);
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    if (!down.delete(event.pointerId) || down.size) return;
    element.classList.remove("splat-held");
    moves.rest();
  };
  on("pointerup", lift);
  on("pointercancel", lift);
  on("lostpointercapture", lift);
  on("wheel", (/** @type {WheelEvent} */ event) => {
    if (!moves.takesWheel(event)) return;
    event.preventDefault();
    const delta = event.deltaY * (event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? 10 * LINE : 1);
    moves.zoom(2 ** (-delta / (event.ctrlKey ? PINCH : WHEEL)), placeOf(event), Math.abs(delta) > 40);
  });
  return () => ending.abort();
}

/**
 * @param {Place} a
 * @param {Place} b
 */
const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/**
 * @param {Place} a
 * @param {Place} b
 * @returns {Place}
 */
const difference = (a, b) => [a[0] - b[0], a[1] - b[1]];
