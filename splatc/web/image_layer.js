/** A picture of a format that the browser knows, to be laid over another one of about the same shape. */

/**
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./camera.js").Size} Size
 */

/** Zoom from which its pixels are shown as squares. */
const SQUARES = 2;

export class ImageLayer {
  /** @param {Blob} blob */
  async open(blob) {
    this.picture = await decoded(blob);
    this.size = { width: this.picture.width, height: this.picture.height };
  }

  look() {}

  get isSharp() {
    return true;
  }

  close() {
    if (this.picture && "close" in this.picture) this.picture.close();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Camera} camera of this picture
   * @param {[number, number]} origin
   * @param {Size} _view
   */
  paint(context, { zoom }, [x, y], _view) {
    if (!this.picture || !this.size) return;
    const [width, height] = [Math.round(this.size.width * zoom), Math.round(this.size.height * zoom)];
    context.clearRect(x, y, width, height);
    context.imageSmoothingEnabled = zoom < SQUARES;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, x, y, width, height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "low";
  }
}

/**
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap | HTMLImageElement>}
 */
async function decoded(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    const image = new Image(); // knows more: SVG
    const url = URL.createObjectURL(blob);
    try {
      image.src = url;
      await image.decode();
    } catch {
      throw new Error("the second picture is of no format that this browser knows");
    } finally {
      URL.revokeObjectURL(url);
    }
    return image;
  }
}
