/** The page of a server of `splatc view`, which knows the files. The first worker starts before the viewer is evaluated, so that both go on at once. */
import { dropWorker, takeWorker } from "./early_worker.js";

fetch("files.json")
  .then((response) => response.json())
  .then(async ({ alone, files }) => {
    const { showPage } = await import("./page.js");
    await showPage(files.map(listed), alone, takeWorker).finally(dropWorker);
  });

/** @param {{key: string, name: string, source: string, compare?: string, compareName: string}} file */
function listed({ key, name, source, compare, compareName }) {
  return { key, name, source: () => source, compare: compare ? { source: compare, name: compareName } : undefined };
}
