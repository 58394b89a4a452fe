/** Shows `.splat2d` pictures: see viewer.d.ts. (First version: the whole picture on a canvas.) */
import { open } from "./splat2d.js";

export class SplatViewer {
  /**
   * @param {HTMLElement} element
   * @param {object} [options]
   */
  constructor(element, options = {}) {
    this.element = element;
    this.options = options;
    element.classList.add("splat-viewer");
    this.canvas = element.appendChild(document.createElement("canvas"));
  }

  /**
   * @param {ArrayBuffer | ArrayBufferView | Blob | URL | string} source
   * @param {{signal?: AbortSignal}} [options]
   */
  async open(source, { signal } = {}) {
    const picture = await open(source, { signal });
    this.element.dispatchEvent(new CustomEvent("open"));
    const pixels = /** @type {ImageData} */ (await picture.read({ signal }));
    [this.canvas.width, this.canvas.height] = [pixels.width, pixels.height];
    this.canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    this.element.dispatchEvent(new CustomEvent("sharp"));
  }

  close() {
    this.canvas.remove();
  }
}
