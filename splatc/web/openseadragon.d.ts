/** Tiles for OpenSeadragon (4.1 and newer), drawn from the file itself. */
import type { Source } from "./splat2d.js";

export interface TileSourceOptions {
  /** px, a multiple of 64. Default 256. */
  tileSize?: number;
  /** How much the deepest level is larger than the picture, a power of two up to 64: it is drawn sharp. Default 1. */
  enlarge?: number;
  signal?: AbortSignal;
}

/** What OpenSeadragon takes among its `tileSources`. Throws as `open` does. */
export function tileSource(source: Source, options?: TileSourceOptions): Promise<object>;
