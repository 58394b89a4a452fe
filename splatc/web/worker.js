/** A worker of a viewer. */
import { serve } from "./serve.js";

serve(/** @type {any} */ (globalThis));
