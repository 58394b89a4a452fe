/** `<splat-image src="photo.splat2d" alt="...">`, which this module defines: properties and events are those of `<img>`. */
import type { Picture } from "./splat2d.js";

export class SplatImage extends HTMLElement {
  /** Of the attribute, absolute. */
  src: string;
  alt: string;
  loading: "eager" | "lazy";
  /** px as shown; set: the attribute. */
  width: number;
  height: number;
  /** px of the picture, 0 before its header is there */
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly complete: boolean;
  readonly currentSrc: string;
  /** What was opened: header, metadata, notes. */
  readonly picture: Picture | null;
  /** Ends when the picture is drawn. Throws a DOMException, EncodingError, if it cannot be. */
  decode(): Promise<void>;
  /** Loads what `loading="lazy"` puts off. */
  load(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "splat-image": SplatImage;
  }
}
