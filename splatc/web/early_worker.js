/**
 * Starts the first worker before the modules of the page have come: its own come meanwhile, and the first bytes of the picture, which the script
 * element names (data-source), or the address of the page.
 */
import { startWorker } from "./workers.js";

startWorker(document.currentScript?.dataset.source ?? new URLSearchParams(location.search).get("src"));
