/** Long work without a frozen page: it pauses now and then, and ends when a signal says so. */

/** ms that a page may stand still: less than a frame. */
const SLICE = 12;

let resumed = 0;

/** Ends when what waits has had its turn. A message comes at once, where timers that follow one another wait for 4 ms each. */
function turn() {
  if (typeof setImmediate !== "undefined") return new Promise((resolve) => setImmediate(resolve)); // Node, which messages would keep alive
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), resolve(undefined));
    port2.postMessage(null);
  });
}

/**
 * Lets the page do something else if it has waited for a while. Throws the reason of the signal.
 * @param {AbortSignal} [signal]
 */
export async function pause(signal) {
  signal?.throwIfAborted();
  if (performance.now() - resumed < SLICE) return;
  await turn();
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
