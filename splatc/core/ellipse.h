/* Where a Gaussian lies in blocks of points: the rows that it touches, its weights. For raster.c and the fit. */
#ifndef SPLATC_CORE_ELLIPSE_H
#define SPLATC_CORE_ELLIPSE_H

#include "internal.h"
#include "lanes.h"

enum { BLOCK = 16 }; /* columns of points that share an exponential */

static const float CUT = 0.002187491118f;  /* exp(-12.25 / 2) */
static const float T_END = -8.836507188f;  /* log2 of it */
static const float T_SMOOTH = -100.0f;     /* 2^-100 is a normal float32, with room for the ratio of two rows */
static const float EPSILON = 1e-4f;        /* weight of the background in the normalized blend */
static const float COLUMNS[16] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }

/* dy of the lower (side = 1) or upper (side = -1) end of the ellipse where a Gaussian ends, above dx. */
static inline float boundary(const core_placed *p, float dx, float side) {
    float discriminant = p->b * p->b * dx * dx - 4.0f * p->c * (p->a * dx * dx - T_END);
    return (-p->b * dx - side * __builtin_sqrtf(most(discriminant, 0.0f))) / (2.0f * p->c);
}

typedef struct rows { /* of a block that a Gaussian touches */
    int64_t first, last; /* one past the last */
    int32_t smooth;      /* the weight stays a normal float all over the block: t is concave, its minimum lies at a corner */
} rows;

/* `x`, `y`: the mean, told from the tile; `left`: the first column of the block. */
static inline rows rows_of(const core_placed *p, float x, float y, int64_t left, int64_t height) {
    float first_dx = (float)left + 0.5f - x, last_dx = first_dx + (BLOCK - 1);
    float low = most(first_dx, -p->extent_x), high = least(last_dx, p->extent_x);
    float apex = -p->b / (2.0f * p->a) * p->extent_y; /* the ellipse is widest downwards at dx = apex, upwards at dx = -apex */
    float bottom = boundary(p, least(most(apex, low), high), 1.0f), top = boundary(p, least(most(-apex, low), high), -1.0f);
    rows r;
    r.first = max64(ceil64((double)(y + top - 0.5f)), 0);
    r.last = min64(floor64((double)(y + bottom - 0.5f)) + 1, height);
    float y0 = (float)r.first + 0.5f - y, y1 = (float)r.last - 0.5f - y;
    float upper = least((p->a * first_dx + p->b * y0) * first_dx, (p->a * last_dx + p->b * y0) * last_dx) + p->c * y0 * y0;
    float lower = least((p->a * first_dx + p->b * y1) * first_dx, (p->a * last_dx + p->b * y1) * last_dx) + p->c * y1 * y1;
    r.smooth = least(upper, lower) > T_SMOOTH;
    return r;
}

/* Far from the mean of a thin, slanted Gaussian the terms of a dx^2 + b dx dy + c dy^2 cancel; -(u^2 + v^2) keeps its digits. */
static inline vec weights_at(const core_placed *p, vec dx, float dy) {
    vec u = p->u_x * dx + p->u_y * dy, v = p->v_x * dx + p->v_y * dy;
    return exp2_of(-(u * u + v * v));
}

#endif
