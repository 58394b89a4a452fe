/** What can go wrong, each kind a class of its own. All are SplatErrors with a `kind` and one sentence that helps. */

/** Base of all errors that a file or a server can cause. A wrong argument is a TypeError or RangeError, an aborted call its signal's reason. */
export class SplatError extends Error {
  /**
   * @param {"corrupt" | "unsupported" | "limit" | "network"} kind
   * @param {string} message one sentence
   */
  constructor(kind, message) {
    super(message);
    this.name = new.target.name;
    this.kind = kind;
  }
}

/** The bytes are not a well-formed file: truncated, damaged or inconsistent. */
export class CorruptFileError extends SplatError {
  /** @param {string} message */
  constructor(message) {
    super("corrupt", message);
  }
}

/** The file ends too early; what is there may be intact. */
export class TruncatedFileError extends CorruptFileError {}

/** The file is of a version that this decoder does not read, or has a critical chunk that it does not know. */
export class UnsupportedFileError extends SplatError {
  /** @param {string} message */
  constructor(message) {
    super("unsupported", message);
  }
}

/** The file is beyond the limits of the format, or what was asked for beyond those of this decoder. */
export class LimitError extends SplatError {
  /** @param {string} message */
  constructor(message) {
    super("limit", message);
  }
}

/** The server cannot be reached, does not have the file, or does not give what it announced. */
export class NetworkError extends SplatError {
  /**
   * @param {string} message
   * @param {boolean} [isFinal] whether it is of no use to ask again
   */
  constructor(message, isFinal = false) {
    super("network", message);
    this.isFinal = isFinal;
  }
}

/** The server has another file now than when it was opened. */
export class ChangedFileError extends NetworkError {}

/** @param {string} message */
export const corrupt = (message) => new CorruptFileError(message);
