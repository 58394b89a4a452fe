/* Gaussians -> integers -> what each symbol of a file takes: the encoder's models. Entries as in core.h; spec/ is the normative text.

   No stream is written here: a task measures how many bytes each stream will have, exactly but for one in 10^9, and notes where each symbol lies in the code
   space, from which constriction makes the stream. */
#ifndef SPLATC_CORE_PACK_H
#define SPLATC_CORE_PACK_H

#include "core.h"

enum {
    CORE_JOB_QUANTIZE = 22, /* core_quantizing: CORE_CHUNK Gaussians each */
    CORE_JOB_PREDICT = 23,  /* core_pack: section_count sections to make ready, as many to make searchable, then chunk_count chunks: three phases */
    CORE_JOB_PACK = 24,     /* core_pack: items are sections; their parents come before */
};

/* ---- Gaussians -> integers (spec/quantization.md) ---- */

typedef struct core_quantizing {
    const core_steps *steps;
    int64_t count, width, height;                /* of the picture, px */
    core_gaussians gaussians;                    /* read alone */
    core_columns columns;                        /* results */
} core_quantizing;

/* The integers nearest to the Gaussians, those out of range clamped to it: all can be coded. What core_dequantize returned gives the same integers again. */
CORE_API int32_t core_quantize(const core_quantizing *task, int64_t first, int64_t count);

/* ---- Integers -> coding order (spec/sections.md) ---- */

enum { CORE_TILE_SIDES = 21 }; /* log2 of the side of a tile is below this */

typedef struct core_layer { /* consecutive levels that are divided into the same tiles */
    int32_t levels, tile_log2; /* how many; log2 of the side of a tile, px */
} core_layer;

typedef struct core_part { /* the Gaussians of a section: where its tile lies, and how many it has of each of its levels, coarse to fine */
    int32_t layer, column, row, unused;
    int64_t counts[CORE_MAX_LEVELS];
} core_part;

typedef struct core_arranging {
    const core_steps *steps;
    int64_t count, width, height;
    const int32_t *level, *x, *y; /* (count) in any order; cells lie in the grids of their levels */
    int64_t level_count;          /* levels below this occur */
    const core_layer *layers;     /* (layer_count) coarse to fine, all levels together; tiles never grow */
    int64_t layer_count;
    int32_t *order;               /* result (count): which Gaussian comes first, ... */
    core_part *parts;             /* result (part_room), in file order */
    int64_t part_room, part_count; /* the last is a result */
    uint8_t *workspace;           /* core_arrange_workspace(count) bytes, aligned to 64 */
    int64_t workspace_bytes;
} core_arranging;

CORE_API int64_t core_arrange_workspace(int64_t count);

/* Fills in order and parts; CORE_TOO_SMALL, and part_count, where there are more parts than room. */
CORE_API int32_t core_arrange(core_arranging *task);

/* tiles (CORE_TILE_SIDES): by log2 of their side the tiles in which Gaussians of the levels `top` down to `top` - `levels` + 1 lie. */
CORE_API int32_t core_occupied_tiles(const core_arranging *task, int32_t top, int32_t levels, int64_t *tiles);

/* ---- Sections -> bytes ---- */

typedef struct core_pack_section {
    int64_t start, count;        /* its Gaussians in the arrays; those of ancestors come before */
    int64_t parent;              /* its number in the list, or -1 */
    int64_t chain;               /* Gaussians with those of its ancestors */
    int64_t tables;              /* where what it has learned is kept for others, or -1 */
    int64_t first_level, levels; /* in the list of levels */
    int64_t minimum;             /* bytes of its stream at least */
    int64_t x0, y0, x1, y1;      /* its tile, px; x0 = x1 where `beyond` is not needed */
    int64_t search;              /* first byte in `searches`: core_pack_search(chain) of them are its own */
    int64_t first_symbol;        /* where its symbols go, if they are noted */
    int64_t symbols, length;     /* results: coded symbols, bytes of its stream */
    double beyond;               /* result: how far an ellipse leaves the tile, px */
} core_pack_section;

typedef struct core_chunk { /* Gaussians of a section whose neighbours are searched at a time: `first` .. `last` - 1 of its chain by Morton code */
    int64_t section, first, last;
} core_chunk;

typedef struct core_pack {
    const core_steps *steps;
    core_pack_section *sections;
    int64_t section_count;
    const core_level *levels; /* of all sections */
    int64_t level_count;
    const core_chunk *chunks;
    int64_t chunk_count;
    const core_tables *first; /* core_first_tables */
    core_tables *tables;
    int64_t table_count;
    core_partitions *partitions;
    core_columns columns;    /* in coding order; read alone */
    core_residuals residual; /* results of CORE_JOB_PREDICT */
    int32_t *around;         /* result of it (count, CORE_ANCHORS + 1 + CORE_NEAREST), where the steps have models; else NULL */
    core_site *sites;        /* (count) */
    int32_t *order;          /* (count) */
    int64_t count;
    uint8_t *searches; /* aligned to 64 bytes */
    int64_t search_bytes;
    uint8_t *workspace; /* aligned to 64 bytes; core_pack_workspace of the largest section for each worker; of CORE_JOB_PACK alone */
    int64_t workspace_bytes;
    int32_t workers, unused;
    double *shares; /* (symbol_room, 3): of each symbol its share of the code space, as constriction takes it, three parts of 2^24 less 1 each; or NULL */
    int32_t *chosen; /* (symbol_room): which of the three it is */
    int64_t symbol_room;
} core_pack;

CORE_API int64_t core_pack_search(int64_t chain);
CORE_API int64_t core_pack_workspace(int64_t own);

/* One item of CORE_JOB_PREDICT or CORE_JOB_PACK. */
CORE_API int32_t core_predict_item(const core_pack *task, int64_t item);
CORE_API int32_t core_pack_section_of(const core_pack *task, int64_t section, int32_t worker);

#endif
