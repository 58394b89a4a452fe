/**
 * Tiles for OpenSeadragon (4.1 and newer), drawn from the file itself: of the file only what they show is fetched.
 *
 *     OpenSeadragon({ id: "map", tileSources: await tileSource("photo.splat2d") });
 */
import { contextOf } from "./canvas.js";
import { open } from "./splat2d.js";
import { WHOLE_FIRST } from "./source.js";

/**
 * @typedef {object} Job of OpenSeadragon, to get a tile
 * @property {{level: number, x: number, y: number}} tile
 * @property {Record<string, any>} userData
 * @property {(data: unknown, request: null, type?: string) => void} finish
 * @property {(message: string, request: null) => void} [fail] since version 6, which takes types of data; before it took images and canvases
 */

const MAX_ENLARGE = 64;

/**
 * What OpenSeadragon takes among its `tileSources`. Throws as `open` does.
 * @param {import("./splat2d.js").Source} source of `open`
 * @param {{tileSize?: number, enlarge?: number, signal?: AbortSignal}} [options]
 */
export async function tileSource(source, { tileSize = 256, enlarge = 1, signal } = {}) {
  if (!Number.isInteger(tileSize) || tileSize < MAX_ENLARGE || tileSize % MAX_ENLARGE)
    throw new RangeError(`tileSize is ${tileSize}, it must be a multiple of ${MAX_ENLARGE}`);
  if (!Number.isInteger(Math.log2(enlarge)) || enlarge < 1 || enlarge > MAX_ENLARGE)
    throw new RangeError(`enlarge is ${enlarge}, it must be a power of two up to ${MAX_ENLARGE}`);
  const picture = await open(source, { signal, firstBytes: WHOLE_FIRST });
  const [width, height] = [picture.width * enlarge, picture.height * enlarge];
  const maxLevel = Math.ceil(Math.log2(Math.max(width, height)));
  const place = (/** @type {Job["tile"]} */ { level, x, y }) => tilePlace(picture, { tileSize, enlarge, reduce: 2 ** (maxLevel - level) }, x, y);
  return {
    width,
    height,
    tileSize,
    tileOverlap: 0,
    minLevel: Math.max(0, maxLevel - Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / tileSize)))),
    maxLevel,
    /** A name that tiles are kept under. */
    getTileUrl: (/** @type {number} */ level, /** @type {number} */ x, /** @type {number} */ y) =>
      `splat2d:${identityOf(picture)}/${level}/${x}/${y}`,
    /** Whether there may be something behind it. */
    hasTransparency: () => picture.header.channels % 2 === 0,
    /** @param {Job} job */
    downloadTileStart(job) {
      const controller = (job.userData.splat2d = new AbortController());
      drawTile(picture, place(job.tile), controller.signal).then(
        (context) => (job.fail ? job.finish(context, null, "context2d") : job.finish(context.canvas, null)),
        (error) => {
          if (controller.signal.aborted) return;
          if (job.fail) job.fail(String(error.message), null);
          else job.finish(null, null, String(error.message));
        },
      );
    },
    /** @param {Job} job */
    downloadTileAbort(job) {
      job.userData.splat2d?.abort();
    },
  };
}

/** @type {WeakMap<object, number>} */
const identities = new WeakMap();
let opened = 0;

/**
 * A number that no other picture has.
 * @param {object} picture
 */
function identityOf(picture) {
  const identity = identities.get(picture) ?? ++opened;
  identities.set(picture, identity);
  return identity;
}

/**
 * Region and scale of a tile.
 * @param {{width: number, height: number}} picture
 * @param {{tileSize: number, enlarge: number, reduce: number}} grid
 * @param {number} x
 * @param {number} y
 * @returns {{region: [number, number, number, number], scale: [number, number]}}
 */
export function tilePlace({ width, height }, { tileSize, enlarge, reduce }, x, y) {
  const side = (tileSize * reduce) / enlarge; // px of the picture
  const [left, top] = [x * side, y * side];
  return { region: [left, top, Math.min(side, width - left), Math.min(side, height - top)], scale: [enlarge, reduce] };
}

/**
 * @param {import("./splat2d.js").Picture} picture
 * @param {{region: [number, number, number, number], scale: [number, number]}} place
 * @param {AbortSignal} signal
 */
const drawTile = async (picture, place, signal) =>
  contextOf(/** @type {ImageData} */ (await picture.read({ ...place, signal, allowTruncated: picture.truncated })));
