/** Shows `.splat2d` pictures: drag, zoom, ellipses of the Gaussians, facts, another picture beside it. viewer.css says how it looks. */

export type Source = ArrayBuffer | ArrayBufferView | Blob | URL | string;

/** Where one looks. */
export interface View {
  /** px of the picture in the middle of the view */
  x: number;
  y: number;
  /** pixels of the screen per px */
  zoom: number;
}

export interface ViewerOptions {
  /** Keeps `#x,y,zoom` of the address in step, and takes the keys of the whole page: for pages that are a viewer. Default false. */
  link?: boolean;
  /** Makes a worker of worker.js, where it cannot be loaded beside these modules; null: all is drawn on the page, in slices. */
  makeWorker?: (() => Worker) | null;
  /** The bytes of core.wasm, where it cannot be fetched beside these modules. */
  core?: BufferSource;
  /** Workers at most; by default one for each processor, up to 4. */
  workers?: number;
  /** What drawing may cost, as of `open` of the decoder. */
  bounds?: { maxPixels?: number; maxMemory?: number; maxWork?: number };
}

export interface ShowOptions {
  /** What the picture is called on the page; its file name. */
  name?: string;
  /** A second picture, of this format or of any that the browser knows. */
  compare?: { source: Source; name?: string };
  signal?: AbortSignal;
}

/**
 * A viewer in an element, which must have a size. Its element has events: "open" when the header of a picture is known, "sharp" whenever
 * all that is seen is as sharp as it gets, "error" with the error as its `detail`.
 */
export class SplatViewer {
  constructor(element: HTMLElement, options?: ViewerOptions);
  readonly element: HTMLElement;
  /** What the picture is called on the page. */
  readonly name: string;
  /** Where one looks, or will when a movement has ended. */
  readonly view: View;
  /** Shows a picture, instead of the one before. Resolves when its header is known; rejects with a SplatError, or the reason of the signal. */
  open(source: Source, options?: ShowOptions): Promise<void>;
  /** A second picture, right of a line that can be moved; null: none. */
  compare(source: Source | null, options?: { name?: string }): Promise<void>;
  goTo(view: Partial<View>): void;
  /** All of the picture. */
  fit(): void;
  showInfo(isShown: boolean): void;
  showEllipses(isShown: boolean): void;
  showCompare(isShown: boolean): void;
  /** Resolves when nothing moves and all that is seen is as sharp as it gets. */
  settled(): Promise<void>;
  /** Ends the workers and leaves the element as it was. */
  close(): void;
}
