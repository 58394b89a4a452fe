/* The Gaussian window of SSIM: 11 taps, sigma 1.5 (Wang, Bovik, Sheikh and Simoncelli 2004), and sums over it of the columns of a strip of a picture.

   A strip goes down the picture row by row: each row is summed along the row first, those sums stay in a ring of as many rows as the window has, and are
   summed down it. So everything but the picture itself stays in the cache, whatever the picture's size. Taps of the same distance are added before they
   are weighed: 16 operations instead of 21. */
#ifndef SPLATC_CORE_WINDOW_H
#define SPLATC_CORE_WINDOW_H

#include "internal.h"
#include "lanes.h"


enum {
    RADIUS = 5,
    TAPS = 2 * RADIUS + 1,
    BLOCK = 16,          /* columns are worked on by so many: sums do not depend on how many lanes a vector has */
    STRIP = 256,         /* columns of a strip, at most */
    LENGTH = STRIP + 32, /* floats of a row in a workspace: a window more on either side, twice, and whole vectors */
    STRIP_ROWS = 128,    /* rows of a strip: of its 2 RADIUS rows above and below some sums are made twice, 12 % at this height */
};

/* What is loaded from anywhere. */
typedef float loose __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));

static inline vec load(const float *at) { return *(const loose *)at; }
static inline void store(float *at, vec x) { *(loose *)at = x; }

/* Samples as floats, times a unit: `count` of them. Whole vectors, of which the last may overlap the one before it: loops that end one by one took a tenth of a
   gradient's time. */
typedef uint8_t few_bytes __attribute__((vector_size(LANES), may_alias, aligned(1)));
typedef uint16_t few_words __attribute__((vector_size(2 * LANES), may_alias, aligned(2)));

static inline void convert_bytes(const uint8_t *restrict from, int64_t count, float unit, float *restrict out) {
    for (int64_t i = 0; i < count && count < LANES; i++) out[i] = (float)from[i] * unit;
    for (int64_t i = 0; i < count && count >= LANES; i += LANES) {
        int64_t at = min64(i, count - LANES);
        ivec whole = __builtin_convertvector(*(const few_bytes *)(from + at), ivec);
        store(out + at, __builtin_convertvector(whole, vec) * unit);
    }
}

static inline void convert_words(const uint16_t *restrict from, int64_t count, float unit, float *restrict out) {
    for (int64_t i = 0; i < count && count < LANES; i++) out[i] = (float)from[i] * unit;
    for (int64_t i = 0; i < count && count >= LANES; i += LANES) {
        int64_t at = min64(i, count - LANES);
        ivec whole = __builtin_convertvector(*(const few_words *)(const void *)(from + at), ivec);
        store(out + at, __builtin_convertvector(whole, vec) * unit);
    }
}

static inline int64_t whole_blocks(int64_t columns) { return (columns + BLOCK - 1) & ~(int64_t)(BLOCK - 1); }

typedef struct window {
    float weight[RADIUS + 1]; /* by distance from the middle; their sum over the window is 1 */
} window;

/* As much of the middle of the window as `radius` says. */
static inline window window_of(int64_t radius) {
    static const double BELL[RADIUS + 1] = {1.0, 0.8007374029168081, 0.41111229050718745, 0.1353352832366127, 0.028565500784550377,
                                            0.0038659201394728076}; /* exp(-k^2 / (2 1.5^2)) */
    double sum = BELL[0];
    window g;
    for (int64_t k = 1; k <= radius; k++) sum += 2.0 * BELL[k];
    for (int64_t k = 0; k <= RADIUS; k++) g.weight[k] = k <= radius ? (float)(BELL[k] / sum) : 0.0f;
    return g;
}

/* Sums over windows that begin at each of `count` columns; `count` whole blocks, `in` has 2 RADIUS more. */
static inline void sum_across(const window *g, const float *in, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) {
        const float *middle = in + i + RADIUS;
        vec sum = load(middle) * g->weight[0];
        for (int32_t k = 1; k <= RADIUS; k++) sum += (load(middle - k) + load(middle + k)) * g->weight[k];
        *(vec *)(out + i) = sum;
    }
}

/* The rows of a window, top to bottom. */
typedef struct window_rows {
    const float *row[TAPS];
} window_rows;

/* The sum down the window, of the column `i` and those after it. */
static inline vec sum_down(const window *g, const window_rows *rows, int64_t i) {
    vec sum = *(const vec *)(rows->row[RADIUS] + i) * g->weight[0];
    for (int32_t k = 1; k <= RADIUS; k++)
        sum += (*(const vec *)(rows->row[RADIUS - k] + i) + *(const vec *)(rows->row[RADIUS + k] + i)) * g->weight[k];
    return sum;
}

/* Where a ring (TAPS, planes, LENGTH) keeps a row. */
static inline float *ring_row(float *ring, int64_t row, int32_t planes) { return ring + row % TAPS * planes * LENGTH; }

/* The window around a row of the picture, in a ring; rows outside of the picture are `zeros` (planes, LENGTH). */
static inline window_rows rows_around(float *ring, int64_t row, int64_t height, int32_t planes, const float *zeros) {
    window_rows rows;
    for (int64_t k = 0; k < TAPS; k++) {
        int64_t at = row + k - RADIUS;
        rows.row[k] = at < 0 || at >= height ? zeros : ring_row(ring, at, planes);
    }
    return rows;
}

enum { VECTORS = BLOCK / LANES };

/* Sums by columns modulo BLOCK. */
typedef struct block {
    vec part[VECTORS];
} block;

/* Their sum, lane by lane. */
static inline double block_total(const block *sums) {
    double sum = 0.0;
    for (int32_t k = 0; k < VECTORS; k++)
        for (int32_t lane = 0; lane < LANES; lane++) sum += (double)sums->part[k][lane];
    return sum;
}

/* The sum of `count` floats, whole blocks. */
static inline double total(const float *values, int64_t count) {
    block sums = {0};
    for (int64_t i = 0; i < count; i += BLOCK)
        for (int32_t k = 0; k < VECTORS; k++) sums.part[k] += load(values + i + k * LANES);
    return block_total(&sums);
}

static inline vec absolute_of(vec x) { return (vec)((ivec)x & INT32_MAX); }

/* `size` with the sign of x; 0 of 0. */
static inline vec sign_of(vec x, float size) {
    return (vec)(((ivec)splat(size) & (x > splat(0.0f))) | ((ivec)splat(-size) & (x < splat(0.0f))));
}

#endif
