/** Long work without a frozen page: it pauses now and then, and ends when a signal says so. */

/** ms that a page may stand still: less than a frame. */
const SLICE = 12;

let resumed = 0;

/**
 * Lets the page do something else if it has waited for a while. Throws the reason of the signal.
 * @param {AbortSignal} [signal]
 */
export async function pause(signal) {
  signal?.throwIfAborted();
  if (performance.now() - resumed < SLICE) return;
  await new Promise((resolve) => setTimeout(resolve, 0));
  resumed = performance.now();
  signal?.throwIfAborted();
}

/**
 * What some work comes to, or the reason of a signal, as soon as it is aborted.
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function abortable(signal, work) {
  if (!signal) return work();
  signal.throwIfAborted();
  const ending = new AbortController(); // of the listener
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { signal: ending.signal });
    work().then(resolve, reject).finally(() => ending.abort());
  });
}
