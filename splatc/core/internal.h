/* What the files of the core share among themselves. */
#ifndef SPLATC_CORE_INTERNAL_H
#define SPLATC_CORE_INTERNAL_H

#include "core.h"

#include <stddef.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pixels are packed as little-endian machines have them");

enum {
    RESIDUAL_RADIUS = 48, /* residuals up to this have a symbol each */
    ESCAPE = 2 * RESIDUAL_RADIUS + 1,
    MAX_POSITION_CELLS = 1 << 26,
    MAX_GAUSSIANS = 1 << 26,
    CORE_AROUND = CORE_ANCHORS + 1 + CORE_NEAREST, /* what is kept of the neighbours of a Gaussian for models */
};

/* Of spec/quantization.md: steps of an eighth of an octave over 2^16, numbers of directions, numbers of sub-cell offsets. */
static const int64_t STEP8[8] = {65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194};
static const int32_t ANGLE_COUNTS[16] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256};
static const int32_t OFFSET_COUNTS[9] = {1, 2, 3, 4, 6, 8, 12, 16, 24};

static inline int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t max32(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* What can be converted: cut off at +-2^62, from where on every double is a whole number; not a number becomes the lowest. */
static inline double convertible(double x) {
    const double end = 4611686018427387904.0;
    double above = x > -end ? x : -end;
    return above < end ? above : end;
}
static inline int64_t floor64(double x) {
    double within = convertible(x);
    int64_t whole = (int64_t)within;
    return whole - (within < (double)whole);
}
static inline int64_t ceil64(double x) {
    double within = convertible(x);
    int64_t whole = (int64_t)within;
    return whole + (within > (double)whole);
}

/* floor(a / b) for 0 <= a, b < 2^52, b > 0: exact, since the quotient of the doubles is off by less than its distance to the next whole number. Several
   times as fast as a division of integers, which processors do one after the other. */
static inline int64_t quotient(int64_t a, int64_t b) { return (int64_t)((double)a / (double)b); }

/* Steps that core_make_steps has filled in; whatever else it wrote is taken as it is. */
static inline int32_t steps_are_sound(const core_steps *steps) {
    return steps != NULL && steps->channels >= 1 && steps->channels <= CORE_MAX_CHANNELS && steps->log_scales >= 1 && steps->log_scales <= 32;
}

/* Cells a side of a level's grid whose middles, in 1/16 px, have 30 bits: spec/prediction.md, "Neighbours". */
static inline int64_t most_cells(const core_steps *steps, int32_t level) {
    return min64(((int64_t)1 << 58) / steps->position[level], MAX_POSITION_CELLS);
}

/* Whether another thread asks to stop. */
static inline int stopped(const int32_t *stop) { return stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0; }

/* Parts of a workspace, one behind the other, each aligned to 64 bytes; with base = NULL it only counts. */
typedef struct arena {
    uint8_t *base;
    int64_t used;
} arena;

static inline void *arena_take(arena *a, int64_t count, int64_t size) {
    uint8_t *part = a->base == NULL ? NULL : a->base + a->used;
    a->used += (count * size + 63) & ~(int64_t)63;
    return part;
}

/* models.c */
void make_partition_table(int32_t points, int32_t fraction, int32_t *cumulative);

/* positions.c */
struct coder;
typedef struct node { /* cells of a halved square, with their number of points */
    int32_t x, y, points;
} node;
typedef struct position_buffers { /* (points) each */
    node *nodes, *halves;
    uint16_t *keys;
    int32_t *first, *rest, *order; /* points in first halves, their bits below the leading ones */
} position_buffers;
void take_position_buffers(arena *a, int64_t points, position_buffers *buffers);
int32_t code_positions(struct coder *r, core_tables *tables, core_partitions *partitions, const core_level *level, position_buffers *buffers,
                         int32_t *x, int32_t *y);

/* attributes.c */
typedef struct surroundings { /* of the Gaussians of a level, where the file has models that look at them */
    core_site *sites;          /* of everything up to the level; when it is read, of the level itself the positions alone */
    int64_t first;             /* of the level among them */
    const int32_t *neighbours; /* (count, CORE_NEIGHBOURS) of the level, to read it */
    const int32_t *around;     /* (count, CORE_AROUND) as find_anchors has them, to write it */
    const int32_t *angle;      /* (count) not as residuals; when it is read, as soon as they are known */
    const int32_t *colour;     /* (count, channels) not as residuals, to write it */
} surroundings;
typedef struct attribute_buffers {
    int32_t *members, *numbers; /* (points) */
    surroundings near;
} attribute_buffers;
core_columns tail_of_columns(const core_columns *columns, int64_t first, int32_t channels);
int32_t code_attributes(struct coder *r, core_tables *tables, const core_steps *steps, const core_level *level, attribute_buffers *buffers,
                        const core_columns *out);

/* directions.c */
int32_t code_directions(struct coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, const surroundings *near,
                        const core_columns *out);

/* chroma.c */
typedef struct chroma_batches { /* of a level: the parametric models of U and V as they are in a batch, its symbols left, those before */
    int32_t cumulative[2][CORE_RESIDUALS + 1];
    int64_t left[2], seen[2];
} chroma_batches;
typedef struct chroma_place { /* a residual that is coded: what is known of it */
    const core_site *sites;
    const int32_t *near;   /* (CORE_NEAREST) neighbours, -1 behind the last */
    const int32_t *before; /* residuals of the channels before */
    int64_t step, prediction; /* of this channel; the index that is predicted */
    int32_t channel, level;
} chroma_place;
typedef struct chroma_reader { /* where residuals of U and V are read as soon as they are predicted */
    struct coder *coder;
    core_tables *tables;
    chroma_batches *batches;
} chroma_reader;
int32_t code_chroma(struct coder *r, core_tables *tables, chroma_batches *batches, const chroma_place *place, int32_t *residual);

/* neighbours.c */
typedef struct point {
    int32_t x, y, index;
} point;
typedef struct box { /* of the points under a node, and the earliest of them */
    int32_t low_x, low_y, earliest, high_x, high_y;
} box;
typedef struct search_buffers {
    int32_t *merged, *other; /* (chain) */
    point *points;           /* (leaf_count(chain) * LEAF_POINTS) */
    box *boxes;              /* (2 leaf_count(chain)) */
    int32_t *neighbours;     /* (own, CORE_NEIGHBOURS) */
} search_buffers;
typedef struct run { /* Gaussians start .. start + count - 1, whose order by Morton code is known */
    int64_t start, count;
} run;
typedef struct search { /* what make_search has made */
    const core_site *sites;
    const search_buffers *buffers;
    int64_t count, leaves, first; /* Gaussians, leaves of their tree, the first of the last run */
    int32_t shift;                /* of keys */
} search;
int64_t search_points(int64_t chain); /* of the tree, those that fill it up included; eight a leaf */
void take_search_buffers(arena *a, int64_t own, int64_t chain, search_buffers *buffers);
uint64_t morton(int32_t x, int32_t y);
void sort_by_code(const core_site *sites, int64_t start, int64_t count, int32_t *order, int32_t *workspace);
search made_search(const core_site *sites, const run *chain, int32_t runs, const search_buffers *buffers);
search make_search(const core_site *sites, const int32_t *order, const run *chain, int32_t runs, search_buffers *buffers);
void search_place(const search *s, int64_t place, const int32_t *candidates, int32_t *result);
int32_t find_neighbours(const core_site *sites, const int32_t *order, const run *chain, int32_t runs, search_buffers *buffers,
                        const int32_t *stop);

/* predict.c */
typedef struct gaussian_arrays { /* in coding order, by number of the Gaussian */
    core_columns columns;    /* what is predicted is read, or made from the residuals */
    core_residuals residual; /* made, or read */
    int32_t *around;         /* (CORE_AROUND) of each, made with its residuals; or NULL */
} gaussian_arrays;
void make_site_position(const core_steps *steps, const core_columns *columns, int64_t i, core_site *site);
/* All of it but the position. */
void make_site(const core_steps *steps, const core_columns *columns, int64_t i, core_site *site);
/* Whether a Gaussian has only values that can be coded. */
int32_t in_range(const core_steps *steps, const core_columns *columns, int64_t i);
void make_residual(const core_steps *steps, const core_site *sites, const int32_t *neighbours, int64_t i, const gaussian_arrays *arrays);
int32_t predict(const core_steps *steps, core_site *sites, const int32_t *neighbours, int64_t start, int64_t count,
                const gaussian_arrays *arrays, int32_t forward, const int32_t *stop);

/* Of the sites of neighbours (CORE_NEIGHBOURS) the first that have a direction, -1 behind the last, what is predicted of an angle, and the nearest of all: (CORE_AROUND). */
void find_anchors(const core_site *sites, const int32_t *neighbours, int32_t directions, int32_t *around);
/* Residuals of the angles of a level that is read -> angles; then those of colours -> colours. */
void predict_angles(const core_steps *steps, const surroundings *near, int64_t count, const core_columns *level);
int32_t predict_colours(const core_steps *steps, const surroundings *near, int64_t count, const core_columns *level, const chroma_reader *chroma,
                        const int32_t *stop);

/* grid_weights.c */
enum {
    GRID_COARSE = 4, /* Gaussians a side of a cell */
    GRID_FINE = 8,
    GRID_CELL = 16,    /* px a side: a block of the rasterizer */
    GRID_CLASSES = 5,  /* of means by their place above the upper edge of a tile or below it */
    GRID_ROWS = 17,    /* that a Gaussian reaches at most */
    GRID_BEYOND = 2,   /* rows or columns of means in the next cell that reach into a cell */
};
typedef struct grid_weights { /* of a grid: by class, cell to the left of the mean's, its own, to the right; row; column of the mean in its cell */
    float weights[GRID_CLASSES][3][GRID_ROWS][GRID_FINE][GRID_CELL] __attribute__((aligned(64)));
    int32_t first[GRID_CLASSES]; /* row that is reached, from that below the mean */
    int32_t count[GRID_CLASSES]; /* of them; some of the weights are 0 */
} grid_weights;
typedef struct both_weights {
    grid_weights coarse, fine;
} both_weights;
/* Of the mean of row i of a grid with means `pitch` px apart, counted from the first that reaches below the upper edge of a tile. */
static inline int64_t grid_class(int64_t i) { return min64(i, GRID_CLASSES - 1); }
int32_t grids_are_sound(const core_grids *grids, int32_t channels);

/* gaussians.c */
void colour_of(const core_steps *steps, int32_t level, const int32_t *index, float *values);
core_gaussians tail_of_gaussians(const core_gaussians *gaussians, int64_t first, int32_t channels);
/* The farthest that the box of an ellipse of the Gaussians start .. start + count - 1 leaves a tile, px; at least 0. */
double beyond_tile(const core_steps *steps, const double tile[4], int64_t start, int64_t count, const core_columns *columns);
int32_t view_is_sound(const core_view *view);
void sine_and_cosine(double half_turns, double *sine, double *cosine);

/* cpu.c: x86-64-v2, v3, v4 -> 2, 3, 4; what else there is 1; less than is needed 0 */
int32_t best_level(void);

/* library.c: with the instruction set that was chosen */
int32_t draw_tile(const core_draw *task, int64_t tile, int32_t worker);

/* raster.c, once for each instruction set */
int32_t draw_tile_v2(const core_draw *task, int64_t tile, int32_t worker);
int32_t draw_tile_v3(const core_draw *task, int64_t tile, int32_t worker);
int32_t draw_tile_v4(const core_draw *task, int64_t tile, int32_t worker);
int32_t draw_tile_base(const core_draw *task, int64_t tile, int32_t worker);

/* latent.c, likewise */
typedef struct latent_functions {
    int64_t (*reading_workspace)(int32_t columns, int32_t rows);
    int32_t (*decode)(const core_latent_tile *task);
    int64_t (*synthesis_workspace)(int32_t columns, int32_t rows);
    int32_t (*synthesize)(core_synthesis *task);
    int32_t (*synthesize_grids)(const core_synthesis *task, const core_grids *grids);
#if !defined(__wasm__)
    int32_t (*expect)(const core_latent_tile *task, const int16_t *latents, int32_t *means, uint8_t *tables);
#endif
} latent_functions;
extern const latent_functions latents_v2, latents_v3, latents_v4, latents_base;

/* grids.c, likewise: adds what grids draw in a tile of the rasterizer whose first point is (left, top) */
enum { GRID_CELLS_ACROSS = CORE_TILE_WIDTH / GRID_CELL + 2, GRID_CELLS_DOWN = CORE_TILE_HEIGHT / GRID_CELL + 2, GRID_PLANES = 4 };
typedef struct grid_features { /* of the cells in and around a tile: colours, and 1 */
    float coarse[GRID_CELLS_DOWN][GRID_CELLS_ACROSS][GRID_COARSE * GRID_COARSE][GRID_PLANES];
    float fine[GRID_CELLS_DOWN][GRID_CELLS_ACROSS][GRID_FINE * GRID_FINE][GRID_PLANES];
} grid_features;
int32_t add_grids_v2(const core_draw *task, int64_t left, int64_t top, int64_t height, float *sums);
int32_t add_grids_v3(const core_draw *task, int64_t left, int64_t top, int64_t height, float *sums);
int32_t add_grids_v4(const core_draw *task, int64_t left, int64_t top, int64_t height, float *sums);
int32_t add_grids_base(const core_draw *task, int64_t left, int64_t top, int64_t height, float *sums);

/* The form of a function that is for the instruction set at hand. */
#if defined(__x86_64__)
#define CHOOSE(name) (core_get_level() == 4 ? name##_v4 : core_get_level() == 3 ? name##_v3 : name##_v2)
#else
#define CHOOSE(name) name##_base
#endif

#endif
