/** What is wrong with a file, or what this decoder does not do. */
export class SplatError extends Error {
  /**
   * @param {"corrupt" | "unsupported" | "limit"} kind corrupt: not a well-formed file, or only a part of one; unsupported: of another
   *   version, or with a critical chunk that is not known; limit: beyond the limits of the format or of this decoder
   * @param {string} message one sentence
   */
  constructor(kind, message) {
    super(message);
    this.name = "SplatError";
    this.kind = kind;
  }
}

/** @param {string} message */
export const corrupt = (message) => new SplatError("corrupt", message);

/** The file ends too early; what is there may be intact. */
export class TruncatedError extends SplatError {
  /** @param {string} message */
  constructor(message) {
    super("corrupt", message);
    this.name = "TruncatedError";
  }
}
