/* The compiled core of splatc: the one list of what Python, the tests and WebAssembly may call.

   It allocates nothing, opens nothing, prints nothing, knows no file and no environment: callers hand it every buffer, and a function says how
   large each workspace must be. Whatever comes from a file is bounded where it is decoded; arguments that only a mistake of the
   caller can make (a buffer that is too small, a number out of its range) give CORE_INVALID. All integers and samples are the same on every
   processor, whatever the instruction set and the number of threads. */
#ifndef SPLATC_CORE_H
#define SPLATC_CORE_H

#include <stdint.h>

#if defined(_WIN32)
#define CORE_API __declspec(dllexport)
#else
#define CORE_API __attribute__((visibility("default")))
#endif

#define CORE_VERSION 3 /* of this list: a library of another version is not loaded */

enum {
    CORE_OK = 0,
    CORE_IMPOSSIBLE_CODE = 1, /* no symbol has the code that the stream holds: spec/coder.md, "Range decoder" */
    CORE_TOO_MANY_POINTS = 2, /* more points in a half than in the whole: spec/positions.md */
    CORE_NEEDLESS_ESCAPE = 3, /* an escape for a residual that has a symbol: spec/attributes.md */
    CORE_WRONG_END = 4,       /* the stream is not the one that an encoder makes of its symbols: spec/coder.md, "End" */
    CORE_BEYOND_MARGIN = 5,   /* an ellipse leaves its tile by more than the index says: spec/sections.md, "Bounding margin" */
    CORE_INVALID = 6,         /* an argument is wrong */
    CORE_RUNNING = 7,         /* a job is not done yet */
    CORE_CANCELLED = 8,
    CORE_NO_THREAD = 9, /* the system gives no thread */
    CORE_TOO_SMALL = 10, /* a list has no room for its entries; the task says how many there are */
};

enum {
    CORE_MAX_LEVELS = 16,
    CORE_MAX_CHANNELS = 4,
    CORE_ASPECTS = 64,     /* values of the aspect index */
    CORE_NEIGHBOURS = 16,  /* that a Gaussian is predicted from */
    CORE_NEAREST = 6,      /* of them, those that say how far a residual may reach: spec/draft.md */
    CORE_ANCHORS = 7,      /* of them, those whose directions make a distribution of its own: spec/draft.md */
    CORE_ADAPTIVE_POINTS = 32, /* nodes with up to so many points learn how they are divided */
    CORE_FRACTIONS = 8,       /* eighths of a node's cells that its first half may have: 8/16 .. 15/16 */
    CORE_DIRECTIONS = 256, /* most directions of a Gaussian */
    CORE_RESIDUALS = 98,   /* symbols of a colour residual, the escape among them */
    CORE_PARTS = 8,        /* of a stream, in the tally of its bits: position, log scale, aspect, angle, offset, luma, chroma, alpha */
    CORE_TILE_WIDTH = 128, /* grid points of a tile of the rasterizer */
    CORE_TILE_HEIGHT = 32,
    CORE_MAX_PLANES = 5,
};

enum { /* bits of `models` in the header: spec/draft.md */
    CORE_MODEL_AREAS = 1,      /* sub-cell offsets by the area of their slices */
    CORE_MODEL_DIRECTIONS = 2, /* angles by the directions around */
    CORE_MODEL_CHROMA = 4,     /* residuals of U and V by what lies around */
    CORE_MODELS = 7,           /* all that there are */
};

/* ---- The library ---- */

CORE_API int32_t core_version(void);

/* Digest of the sources that it was built from: text that ends with 0. */
CORE_API const char *core_sources(void);

/* Bytes of the structs below, in their order: 0 core_header, 1 core_steps, 2 core_tables, 3 core_partitions, 4 core_site, 5 core_section,
   6 core_level, 7 core_decode, 8 core_predict, 9 core_view, 10 core_placed, 11 core_draw, 12 core_job, 13 core_dequantizing, 14 core_placing,
   15 core_columns, 16 core_gaussians, 17 core_latent_network, 18 core_latent_tile, 19 core_synthesis, 27 core_grids;
   0 for other numbers. */
CORE_API int64_t core_struct_bytes(int32_t which);

/* The instruction set of the rasterizer: on x86-64 2, 3 or 4 (x86-64-v2, v3, v4), else 1. `core_best_level` is what this processor has (0: not even the
   least that is needed); `core_set_level` takes another one up to it, or returns CORE_INVALID. Results do not depend on it. */
CORE_API int32_t core_best_level(void);
CORE_API int32_t core_get_level(void);
CORE_API int32_t core_set_level(int32_t level);

/* ---- What follows from the header (spec/quantization.md) ---- */

typedef struct core_header { /* fields of spec/header.md */
    int32_t channels;        /* 1..4 */
    int32_t position, position_slope;
    int32_t log_scales; /* bins per octave, 1..32 */
    int32_t aspect;
    int32_t angle, angle_slope;
    int32_t luma, chroma, colour_slope;
    int32_t models; /* CORE_MODEL_ bits: spec/draft.md */
} core_header;

typedef struct core_steps {
    int64_t position[CORE_MAX_LEVELS];                  /* px over 2^32 */
    int64_t colour[CORE_MAX_LEVELS][CORE_MAX_CHANNELS]; /* of full range, over 2^32 */
    int64_t aspect;                                     /* of ln(s1 / s2), over 2^32 */
    int64_t log_aspect[CORE_ASPECTS];                   /* ln(s1 / s2) over 2^16 */
    int32_t directions[CORE_MAX_LEVELS][CORE_ASPECTS];  /* M */
    int32_t offsets[CORE_ASPECTS];                      /* F */
    int32_t channels, log_scales;
    int32_t chroma[CORE_MAX_CHANNELS]; /* 1 for U and V */
    int32_t models, unused;            /* CORE_MODEL_ bits */
} core_steps;

CORE_API int32_t core_make_steps(const core_header *header, core_steps *steps);

/* The name of an attribute that follows the positions in a stream, by its place there, counted from 0; NULL behind the last: splatc/attributes.py. */
CORE_API const char *core_attribute(int32_t number);

/* ---- Reading a section (spec/gaussians.md) ---- */

typedef struct core_tables { /* everything that a stream learns: counts, and the symbols seen (spec/coder.md, "Adaptive tables") */
    int64_t partitions[CORE_ADAPTIVE_POINTS + 1][CORE_FRACTIONS][CORE_ADAPTIVE_POINTS + 1];
    int64_t partitions_seen[CORE_ADAPTIVE_POINTS + 1][CORE_FRACTIONS];
    int64_t angles[16][CORE_DIRECTIONS]; /* by number of directions */
    int64_t angles_seen[16];
    int64_t log_scales[32], aspects[CORE_ASPECTS], residuals[CORE_MAX_CHANNELS][CORE_RESIDUALS];
    int64_t distance[CORE_MAX_CHANNELS], number[CORE_MAX_CHANNELS]; /* of the parametric models */
    int64_t inherits;                                                /* whether a level has been coded */
} core_tables;

/* Tables of a section without a parent (spec/priors.md). */
CORE_API int32_t core_first_tables(const core_steps *steps, core_tables *tables);

typedef struct core_partitions { /* fixed tables of nodes with many points, made when first needed; shared by threads; all 0 at first */
    int32_t made[256][CORE_FRACTIONS];
    int32_t cumulative[256][CORE_FRACTIONS][257];
} core_partitions;

typedef struct core_site { /* what predictions need of a Gaussian that was coded (spec/prediction.md) */
    uint64_t code;         /* Morton code of (x, y) */
    int64_t xx, xy, yy;    /* covariance, (1/16 px)^2 */
    int32_t x, y;          /* 1/16 px */
    int32_t value[CORE_MAX_CHANNELS]; /* colour over 2^16 */
    int32_t directions, angle;
} core_site;

typedef struct core_level { /* the Gaussians of one level in a section */
    int64_t count;          /* at least 1 */
    int32_t level, x, y;    /* the first cell of the level's grid that lies in the tile of the section */
    int32_t columns, rows;  /* cells in it, 1..2^26 */
    int32_t unused;
} core_level;

typedef struct core_section {
    int64_t start, count;        /* its Gaussians in the arrays; those of ancestors come before */
    int64_t stream, length;      /* its bytes that are there */
    int64_t minimum;             /* bytes of its stream at least (spec/gaussians.md, "Length and end") */
    int64_t parent;              /* its number in the list, or -1 */
    int64_t tables;              /* where its own are kept, or -1 */
    int64_t first_level, levels; /* in the list of levels */
    int64_t x0, y0, x1, y1;      /* its tile, px */
    int64_t margin;              /* px, or -1: not to be checked */
    int32_t known;               /* its Gaussians and tables are there already; only to be made ready for what follows it */
    int32_t truncated;           /* bytes are missing at its end: levels that are not whole are left out */
    int32_t ends;                /* its levels are all of the stream: its end is checked */
    int32_t status;              /* result: as returned; 0 at first */
    int64_t decoded;             /* result: Gaussians; 0 at first */
    double beyond;               /* result: how far an ellipse leaves the tile, px */
    double bits[CORE_PARTS];     /* result, where asked for: ideal bits of each part */
} core_section;

/* Gaussians as integers (spec/quantization.md), in the order of splatc/attributes.py: (count) each, colour (count, channels). Whether a task reads or writes
   them it says. */
typedef struct core_columns {
    int32_t *level, *x, *y;
    int32_t *log_scale, *aspect, *angle, *offset;
    int32_t *colour;
} core_columns;

typedef struct core_residuals { /* of what is predicted to what neighbours predict (spec/prediction.md): (count), (count, channels) */
    int32_t *angle;
    int32_t *colour;
} core_residuals;

/* The same Gaussians as floats: mean (count, 2) px, scale (count, 2) px, angle (count) rad, colour (count, channels) of full range. */
typedef struct core_gaussians {
    float *mean, *scale, *angle, *colour;
} core_gaussians;

typedef struct core_decode {
    const core_steps *steps;
    const uint8_t *bytes;
    int64_t byte_count;
    core_section *sections;
    int64_t section_count;
    const core_level *levels;
    int64_t level_count;
    const core_tables *first; /* core_first_tables */
    core_tables *tables;
    int64_t table_count;
    core_partitions *partitions;
    core_columns columns; /* results, but of sections that are known */
    core_site *sites;     /* (count) */
    int32_t *order;       /* (count) of each section its Gaussians by Morton code */
    int64_t count;
    uint8_t *workspace; /* aligned to 64 bytes; `workspace_bytes` for each worker */
    int64_t workspace_bytes;
    int32_t workers;
    int32_t tally;       /* whether to count bits */
    const int32_t *stop; /* set by another thread: do not go on; may be NULL */
} core_decode;

/* Workspace of a worker for a section of `own` Gaussians which has `chain` with its ancestors. */
CORE_API int64_t core_decode_workspace(int64_t own, int64_t chain);

/* Decodes one section; its ancestors were decoded, whole, or it is CORE_INVALID. Sections do not overlap in the arrays, and each keeps its tables in a
   place of its own. Returns its status. */
CORE_API int32_t core_decode_section(const core_decode *task, int64_t section, int32_t worker);

/* ---- Latents (spec/latent.md) ---- */

enum {
    CORE_LATENTS = 96,     /* of a cell */
    CORE_LATENT_LUMA = 64, /* of those that are luma, and Gaussians of the fine grid in a cell */
    CORE_LATENT_LOW = 16,  /* of a chroma, and Gaussians of the coarse grid in a cell */
    CORE_LATENT_MEANS = 48, /* latents that have a mean: the low ones of luma, and chroma */
    CORE_LATENT_TILE = 64, /* cells a side of a tile, at most */
    CORE_LATENT_TABLES = 64,
    CORE_LATENT_MOST_Q = 191,
};

typedef struct core_latent_network { /* the file of the weights, as it is; [d][j]: of latent d in cell j of the 3 x 3 around; then of what it speaks */
    uint32_t gains[CORE_LATENTS];
    int32_t offset;
    int32_t thresholds[CORE_LATENT_TABLES - 1]; /* ascending */
    int16_t bias[13][CORE_LATENTS];             /* by q / 16 */
    uint16_t frequencies[CORE_LATENT_TABLES][CORE_RESIDUALS];
    int8_t mean[CORE_LATENTS][9][CORE_LATENT_MEANS];
    int8_t scale[CORE_LATENTS][9][CORE_LATENTS], any[CORE_LATENTS][9][CORE_LATENTS];
    int8_t coarse_luma[CORE_LATENT_LOW][9][CORE_LATENT_LOW], fine_luma[CORE_LATENT_LUMA][9][CORE_LATENT_LUMA];
    int8_t coarse_chroma[CORE_LATENT_LOW][9][CORE_LATENT_LOW], fine_chroma[CORE_LATENT_LOW][9][CORE_LATENT_LUMA];
} core_latent_network;

typedef struct core_latent_tile { /* the stream of a tile */
    const core_latent_network *network;
    const uint8_t *bytes;
    int64_t length;
    int32_t q, latents;    /* 0..CORE_LATENT_MOST_Q; of a cell: CORE_LATENT_LUMA or CORE_LATENTS */
    int32_t columns, rows; /* cells */
    int16_t *result;       /* (latents, rows, columns) */
    uint8_t *workspace;    /* core_latent_workspace() bytes, aligned to 64 */
    int64_t workspace_bytes;
    const int32_t *stop; /* set by another thread: do not go on; may be NULL */
} core_latent_tile;

/* -1 for more cells than a tile has. */
CORE_API int64_t core_latent_workspace(int32_t columns, int32_t rows);
CORE_API int32_t core_decode_latents(const core_latent_tile *task);

#if !defined(__wasm__)
/* For the encoder, of latents (latents, rows, columns) that are all known: the mean of each, and the number of the table with which it is coded. Bytes and
   result of the task are not looked at. */
CORE_API int32_t core_expect_latents(const core_latent_tile *task, const int16_t *latents, int32_t *means, uint8_t *tables);
#endif

typedef struct core_synthesis { /* latents of some cells -> Gaussians */
    const core_latent_network *network;
    const int16_t *values; /* (latents, rows + 2, columns + 2): with the cells around them, beyond the edge of the picture the nearest in it */
    int32_t q, latents;
    int32_t columns, rows; /* cells, at most CORE_LATENT_TILE a side */
    int64_t column, row;   /* the place of the first in the picture */
    int64_t width, height; /* of the picture, px */
    int32_t least_level, unused; /* finer Gaussians are left out */
    core_columns gaussians;      /* results (room) */
    int64_t room, count;         /* the last is a result: how many there are; CORE_TOO_SMALL where there is no room for them */
    uint8_t *workspace;          /* core_synthesis_workspace() bytes, aligned to 64 */
    int64_t workspace_bytes;
} core_synthesis;

CORE_API int64_t core_synthesis_workspace(int32_t columns, int32_t rows);
CORE_API int32_t core_synthesize(core_synthesis *task);

enum { /* in core_grids.numbers, of cells that have no number */
    CORE_NOT_BUSY = -1, /* it has no fine Gaussians */
    CORE_NO_CELL = -2,  /* it has none at all, as where a file is cut off */
};

typedef struct core_grids { /* the Gaussians of a box of cells as the two grids that they are (spec/latent.md, "Gaussians") */
    int16_t *coarse;                    /* (rows, columns, channels, 16) colours, as core_columns has them */
    int16_t *fine;                      /* (busy cells, channels, 64) */
    const int32_t *numbers;             /* (rows, columns) which of the busy cells it is, or one of the above */
    int64_t busy;                       /* cells with fine Gaussians */
    int64_t column, row, columns, rows; /* the box, in cells */
    int64_t width, height;              /* of the picture, px */
    int64_t tile;                       /* cells a side of a tile: one tile's Gaussians come before those of the next */
    const core_steps *steps;
    const uint8_t *weights; /* core_make_grid_weights */
} core_grids;

/* The same as core_synthesize for a drawer of grids, of a task whose box of cells lies in that of the grids: fills in `coarse` and `fine` of cells that
   `numbers` says have them. Columns, room and count of the task are not looked at. */
CORE_API int32_t core_synthesize_grids(const core_synthesis *task, const core_grids *grids);

/* What the Gaussians of both grids weigh at the points of the tiles of a view with one grid point a px: core_grid_weights_bytes() bytes, aligned to 64, as is
   the workspace of as many again. */
CORE_API int64_t core_grid_weights_bytes(void);
CORE_API int32_t core_make_grid_weights(const core_steps *steps, uint8_t *weights, uint8_t *workspace);

/* ---- Prediction for the encoder (spec/prediction.md) ---- */

typedef struct core_predict {
    const core_steps *steps;
    core_columns columns;    /* in coding order, ancestors first; read alone */
    int64_t count, first;    /* residuals are made of the Gaussians from `first` on */
    core_residuals residual; /* results */
    core_site *sites;        /* (count) */
    uint8_t *workspace;      /* core_decode_workspace(count, count) bytes, aligned to 64 */
    int64_t workspace_bytes;
} core_predict;

CORE_API int32_t core_make_residuals(const core_predict *task);

/* Of points 0 <= x, y < 2^30 from `first` on the CORE_NEIGHBOURS nearest earlier ones, nearest first, of two equally near the earlier first, -1
   where there are fewer: neighbours (count, CORE_NEIGHBOURS). Workspace as above. */
CORE_API int32_t core_find_neighbours(const int32_t *x, const int32_t *y, int64_t count, int64_t first, int32_t *neighbours, core_site *sites,
                                      uint8_t *workspace, int64_t workspace_bytes);

/* ---- Integers -> Gaussians (spec/quantization.md) ---- */

CORE_API int32_t core_dequantize(const core_steps *steps, int64_t count, const core_columns *columns, const core_gaussians *gaussians);

/* ---- Gaussians -> samples (spec/picture.md) ---- */

typedef struct core_view {          /* the supersampling grid that is drawn: splatc/render/view.py */
    double grid_scale;              /* grid points per px */
    double shift_x, shift_y;        /* of the grid against the corner of the picture, in its points */
    double variance;                /* added to that of each Gaussian, px^2 */
    int64_t samples;                /* grid points a side of an output pixel, 1..8 */
    int64_t left, top;              /* first output column and row, from the corner of the picture */
    int64_t columns, rows;          /* of the output */
    int64_t end_x, end_y;           /* one past the last grid point that counts */
    int64_t tile_x, tile_y;         /* the first tile; tiles have whole output pixels, as many as fit into CORE_TILE_WIDTH x CORE_TILE_HEIGHT grid points */
    int64_t tiles_x, tiles_y;
} core_view;

typedef struct core_placed { /* a Gaussian on the grid of a view; weights are 2^(a dx^2 + b dx dy + c dy^2) */
    double x, y;             /* mean, grid points */
    float a, b, c;
    float extent_x, extent_y;       /* half sides of the box around the ellipse where it ends, grid points */
    float u_x, u_y, v_x, v_y;       /* the axes: weights are also 2^-(u^2 + v^2) */
    float feature[CORE_MAX_PLANES]; /* what a weight of 1 adds to each plane: colours, then 1 in the normalized blend, times what keeps the mass */
} core_placed;

/* Places Gaussians, which it reads alone. */
CORE_API int32_t core_place(const core_view *view, int64_t count, const core_gaussians *gaussians, int32_t channels, int32_t normalized,
                            core_placed *placed);

/* Entries of the lists of all tiles together, or -1 if the count is wrong: a few steps for each Gaussian, however many tiles it reaches. */
CORE_API int64_t core_count_entries(const core_view *view, int64_t count, const core_placed *placed);

/* Entries of the list of each tile, in row order: starts (tiles_x tiles_y + 1), all in all `starts[last]`. */
CORE_API int32_t core_count_tiles(const core_view *view, int64_t count, const core_placed *placed, int64_t *starts);

/* The lists: tile t has members[starts[t] .. starts[t + 1] - 1], in ascending order. `cursor` (tiles) is a workspace. */
CORE_API int32_t core_fill_tiles(const core_view *view, int64_t count, const core_placed *placed, const int64_t *starts, int64_t *cursor,
                                 int32_t *members, int64_t member_count);

typedef struct core_draw {
    const core_view *view;
    const core_placed *placed;
    int64_t count;
    const int64_t *starts;
    const int32_t *members;
    int64_t member_count;
    float background[CORE_MAX_CHANNELS];
    int32_t channels, normalized;
    int32_t depth;       /* of samples: 8 or 16 bits, clamped and rounded; 32: floats, neither */
    int32_t workers;
    int64_t first, last; /* rows of the output: all tiles between them are drawn */
    void *out;           /* (last - first, columns, channels) */
    int64_t out_bytes;
    uint8_t *workspace;  /* aligned to 64 bytes; core_draw_workspace() for each worker */
    int64_t workspace_bytes;
    const int32_t *stop; /* set by another thread: do not go on; may be NULL */
    const core_grids *grids; /* drawn in place of what was placed, to the same bits: of a view that core_grids_suit; or NULL */
} core_draw;

/* Whether grids can be drawn in a view: one grid point a px, on the pixels of the picture, and 1, 2 or 4 of them a side of an output pixel. */
CORE_API int32_t core_grids_suit(const core_view *view);

CORE_API int64_t core_draw_workspace(void);

/* Number of tiles between the rows of a task, in row order. */
CORE_API int64_t core_draw_tiles(const core_draw *task);
CORE_API int32_t core_draw_tile(const core_draw *task, int64_t tile, int32_t worker);

#if !defined(__wasm__)
/* ---- Threads ---- */

enum {
    CORE_JOB_DECODE = 0,     /* core_decode: items are sections */
    CORE_JOB_DRAW = 1,       /* core_draw: tiles */
    CORE_JOB_DEQUANTIZE = 2, /* core_dequantizing: CORE_CHUNK Gaussians each */
    CORE_JOB_PLACE = 3,      /* core_placing: likewise */
    CORE_JOB_KINDS = 32,     /* those of the fit are in fit/fit.h */
    CORE_MAX_WORKERS = 64,
    CORE_CHUNK = 4096,
};

typedef struct core_dequantizing { /* arguments of core_dequantize */
    const core_steps *steps;
    int64_t count;
    core_columns columns;     /* read alone */
    core_gaussians gaussians; /* results */
} core_dequantizing;

typedef struct core_placing { /* arguments of core_place */
    const core_view *view;
    int64_t count;
    core_gaussians gaussians; /* read alone */
    int32_t channels, normalized;
    core_placed *placed;
} core_placing;

typedef struct core_job {
    int32_t kind;        /* of the task */
    int32_t workers;     /* at most so many, 1..CORE_MAX_WORKERS */
    const void *task;    /* as the kind says */
    int64_t items;
    const int32_t *list; /* (items) numbers of the sections, or NULL: all */
    const int64_t *phases; /* (phase_count) items that end each phase, ascending, the last are all; NULL: a single one. None begins before all of the last are done */
    int64_t phase_count;
    int32_t joined;        /* 1: who waits for the job works along, and is one of its workers; for items of a few milliseconds */
    int32_t unused;
    struct core_job *link; /* the pool's own from here on: 0 at first */
    int64_t taken, done;
    uint64_t busy; /* workers of it that run an item, bit by bit */
    int32_t stop, status;
} core_job;

/* Starts a job on the pool, which is made on first use, and anew after a fork. The job and all of its buffers stay until it is waited for. */
CORE_API int32_t core_start(core_job *job);

/* Waits for at most so many milliseconds. CORE_RUNNING, CORE_CANCELLED, or the status of the job: the first that was not CORE_OK, by time. */
CORE_API int32_t core_wait(core_job *job, int32_t milliseconds);

/* Lets no further item of a job begin; it is to be waited for all the same. */
CORE_API void core_cancel(core_job *job);

/* Ends threads that have nothing to do, as before a fork. */
CORE_API void core_retire(void);
#endif

#endif
