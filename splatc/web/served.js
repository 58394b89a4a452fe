/** The page of a server of `splatc view`, which knows the files. */
import { showPage } from "./page.js";

fetch("files.json")
  .then((response) => response.json())
  .then(({ alone, files }) => showPage(files.map(listed), alone));

/** @param {{key: string, name: string, source: string, compare?: string, compareName: string}} file */
function listed({ key, name, source, compare, compareName }) {
  return { key, name, source: () => source, compare: compare ? { source: compare, name: compareName } : undefined };
}
