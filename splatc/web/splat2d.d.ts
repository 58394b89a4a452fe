/** Reads `.splat2d` pictures in browsers and Node. */

export interface Header {
  /** px */
  readonly width: number;
  readonly height: number;
  /** 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha */
  readonly channels: number;
  /** bits of a sample of the source */
  readonly depth: 8 | 16;
  /** the blend; else sum */
  readonly normalized: boolean;
  /** 0..255, one for each channel */
  readonly background: readonly number[];
  readonly quantizer: Readonly<Record<string, number>>;
  /** Gaussians of each level, coarse to fine: the last is level 0 */
  readonly levelCounts: readonly number[];
  /** Gaussians */
  readonly count: number;
}

/** Bytes as the source picture had them; empty where it had none. */
export interface Metadata {
  icc: Uint8Array;
  exif: Uint8Array;
  xmp: Uint8Array;
}

export interface Progress {
  /** sections that this call has decoded so far */
  sections: number;
  /** sections that it decodes */
  of: number;
  /** bytes of the file that were fetched */
  bytes: number;
}

/** x, y, width, height: whole px inside of the picture. */
export type Region = readonly [number, number, number, number];

interface Options {
  /** Left out: all of the picture. */
  region?: Region | null;
  /** Shows what is whole of a file that ends too early, instead of a TruncatedFileError. */
  allowTruncated?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface ReadOptions extends Options {
  /** Output pixels per pixel: a number, "1/8" or [1, 8]; smaller pictures are averages. Default 1. */
  scale?: number | string | readonly [number, number];
  /** Leaves out finer levels (level l: sizes of 2^(l-1) to 2^l px), 0..15. Default 0. */
  maxLevel?: number;
}

export interface GaussiansOptions extends Options {
  /** Leaves out finer levels, 0..15. Default 0. */
  level?: number;
}

/** What `read` gives where there is no ImageData, as in Node. */
export interface Pixels {
  width: number;
  height: number;
  /** RGBA, rows from the top, alpha not premultiplied */
  data: Uint8ClampedArray;
  colorSpace: "srgb" | "display-p3";
}

export interface Gaussians {
  count: number;
  /** (count) */
  level: Int32Array;
  /** (count, 2) px */
  mean: Float32Array;
  /** (count, 2) px */
  scale: Float32Array;
  /** (count) rad */
  angle: Float32Array;
  /** (count, channels) of full range */
  colour: Float32Array;
  /** What the file holds (spec/quantization.md): (count) each, colour (count, channels). */
  integers: Record<"level" | "x" | "y" | "log_scale" | "aspect" | "angle" | "offset" | "colour", Int32Array>;
}

export interface Picture {
  readonly header: Header;
  readonly width: number;
  readonly height: number;
  /** Bytes of the file, and those that were fetched. */
  readonly bytes: number;
  readonly bytesLoaded: number;
  /** Whether the file ends too early. */
  readonly truncated: boolean;
  /**
   * Levels that lie together in the file, coarse to fine: the finest of each layer, for `maxLevel`, and the byte up to which the file has to be
   * there for it. The last has level 0 as a rule; none of a file without Gaussians.
   */
  readonly layers: readonly { readonly level: number; readonly end: number }[];
  /** What of the file is not shown as it is meant: sentences. */
  readonly notes: string[];
  /** What is damaged is empty, and named in `notes`. */
  readonly metadata: Promise<Metadata>;
  /** Pixels. Throws SplatError, RangeError for a wrong argument, or the reason of the signal. */
  read(options?: ReadOptions): Promise<ImageData | Pixels>;
  /** The Gaussians whose ellipse may touch a region. Throws as `read` does. */
  gaussians(options?: GaussiansOptions): Promise<Gaussians>;
  /** Stops what is being fetched; who waits for it gets an AbortError. */
  close(): void;
}

export interface OpenOptions {
  signal?: AbortSignal;
  /**
   * Bytes of the first request to a server, from 2048 on, which is the default: header and index of most files. With more, small pictures come
   * in one request, and the coarse levels of others.
   */
  firstBytes?: number;
  /** Pixels of an output, bytes of memory (estimated) and evaluations of Gaussians (spec/limits.md) that a call may take; 2^29, 2^31 and 2^37. */
  maxPixels?: number;
  maxMemory?: number;
  maxWork?: number;
}

/** What can be opened. */
export type Source = ArrayBuffer | ArrayBufferView | Blob | URL | string;

/** Opens a file, of which header and index are read. Throws SplatError, TypeError, RangeError, or the reason of the signal. */
export function open(source: Source, options?: OpenOptions): Promise<Picture>;

export class SplatError extends Error {
  readonly kind: "corrupt" | "unsupported" | "limit" | "network";
}
/** The bytes are not a well-formed file. */
export class CorruptFileError extends SplatError {}
/** The file ends too early; what is there may be intact. */
export class TruncatedFileError extends CorruptFileError {}
/** The file is of another version, or needs what this decoder does not know. */
export class UnsupportedFileError extends SplatError {}
/** Beyond the limits of the format, or of this decoder. */
export class LimitError extends SplatError {}
/** The server cannot be reached, or does not give what it announced: twice, if asking again could help. */
export class NetworkError extends SplatError {}
/** The server has another file now than when it was opened. */
export class ChangedFileError extends NetworkError {}
