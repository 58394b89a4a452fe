/** Shows `<img src="photo.splat2d">` in the page that imports it, also images that come later. */

/** Media type of `<source type="image/x-splat2d">`. */
export const TYPE: "image/x-splat2d";
