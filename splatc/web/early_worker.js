/**
 * Of the page of `splatc view`, before its script has come: starts the first worker, and with it the first bytes of the picture, which the script
 * element names (data-source).
 */
import { startWorker } from "./workers.js";

startWorker(document.currentScript?.dataset.source ?? null);
