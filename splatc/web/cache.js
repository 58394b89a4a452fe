/** What was used last, as much of it as fits. */

/**
 * @template T
 */
export class BoundedCache {
  /**
   * @param {number} limit of the sum of costs
   * @param {(value: T) => void} [drop] called with what is thrown out
   */
  constructor(limit, drop = () => {}) {
    this.limit = limit;
    this.drop = drop;
    this.cost = 0;
    /** @type {Map<string, {value: T, cost: number}>} from what was used longest ago to the last */
    this.entries = new Map();
  }

  /**
   * @param {string} key
   * @returns {T | undefined}
   */
  get(key) {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /**
   * Keeps a value, in place of one of the same key, and throws out what was used longest ago if all together cost too much.
   * @param {string} key
   * @param {T} value
   * @param {number} cost
   */
  set(key, value, cost) {
    this.delete(key);
    this.entries.set(key, { value, cost });
    this.cost += cost;
    for (const oldest of this.entries.keys()) {
      if (this.cost <= this.limit || oldest === key) break;
      this.delete(oldest);
    }
  }

  /** @param {string} key */
  delete(key) {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.cost -= entry.cost;
    this.drop(entry.value);
  }

  *values() {
    for (const { value } of this.entries.values()) yield value;
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}
