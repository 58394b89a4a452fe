/** The structs of splatc/core/core.h that JavaScript fills in or reads; core.js compares their sizes with those of core.wasm. */
import { Struct } from "./memory.js";

/** Columns of Gaussians as integers, but for their colour. */
export const NAMES = /** @type {const} */ (["level", "x", "y", "log_scale", "aspect", "angle", "offset"]);

/** Fields of the header that say how finely attributes are quantized, in its order, and their kinds: as splatc/attributes.py has them. */
export const QUANTIZER = /** @type {const} */ ([
  ["position", "step"],
  ["position_slope", "slope"],
  ["log_scales", "bins"],
  ["aspect", "step"],
  ["angle", "step"],
  ["angle_slope", "slope"],
  ["luma", "step"],
  ["chroma", "step"],
  ["colour_slope", "slope"],
]);

/**
 * Arrays of Gaussians as floats, in the order of core_gaussians: numbers of each.
 * @param {number} channels
 */
export const floatWidths = (channels) => ({ mean: 2, scale: 2, angle: 1, colour: channels });

/** Numbers for core_struct_bytes of those that the core alone looks into. */
export const [STEPS, TABLES, PARTITIONS, SITE, PLACED] = [1, 2, 3, 4, 10];

export const HEADER = new Struct(
  0,
  ["i32", ["channels", ...QUANTIZER.map(([name]) => name), "models"].join(" ")],
);
export const SECTION = new Struct(
  5,
  ["i64", "start count stream length minimum parent tables first_level levels x0 y0 x1 y1 margin"],
  ["i32", "known truncated ends status"],
  ["i64", "decoded"],
  ["f64", "beyond bits[8]"],
);
export const LEVEL = new Struct(6, ["i64", "count"], ["i32", "level x y columns rows unused"]);
export const DECODE = new Struct(
  7,
  ["pointer", "steps bytes"],
  ["i64", "byte_count"],
  ["pointer", "sections"],
  ["i64", "section_count"],
  ["pointer", "levels"],
  ["i64", "level_count"],
  ["pointer", "first tables"],
  ["i64", "table_count"],
  ["pointer", `partitions ${NAMES.join(" ")} colour sites order`],
  ["i64", "count"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
  ["i32", "workers tally"],
  ["pointer", "stop"],
);
export const COLUMNS = new Struct(15, ["pointer", `${NAMES.join(" ")} colour`]);
export const GAUSSIANS = new Struct(16, ["pointer", Object.keys(floatWidths(0)).join(" ")]);
export const VIEW = new Struct(
  9,
  ["f64", "grid_scale shift_x shift_y variance"],
  ["i64", "samples left top columns rows end_x end_y tile_x tile_y tiles_x tiles_y"],
);
export const DRAW = new Struct(
  11,
  ["pointer", "view placed"],
  ["i64", "count"],
  ["pointer", "starts members"],
  ["i64", "member_count"],
  ["f32", "background[4]"],
  ["i32", "channels normalized depth workers"],
  ["i64", "first last"],
  ["pointer", "out"],
  ["i64", "out_bytes"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
  ["pointer", "stop grids"],
);
export const LATENT_TILE = new Struct(
  18,
  ["pointer", "network bytes"],
  ["i64", "length"],
  ["i32", "q latents columns rows"],
  ["pointer", "result workspace"],
  ["i64", "workspace_bytes"],
  ["pointer", "stop"],
);
export const SYNTHESIS = new Struct(
  19,
  ["pointer", "network values"],
  ["i32", "q latents columns rows"],
  ["i64", "column row width height"],
  ["i32", "least_level unused"],
  ["pointer", `${NAMES.join(" ")} colour`],
  ["i64", "room count"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
);
