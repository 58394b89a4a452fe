/* The weights of a Gaussian in a block of 16 columns of a tile: which rows it touches, and a walk down them. For files that are compiled once for each
   instruction set. */
#ifndef SPLATC_CORE_FIT_WALK_H
#define SPLATC_CORE_FIT_WALK_H

#include "fit_internal.h"
#include "vector_math.h"

enum { BLOCK = 16, WIDTH = CORE_FIT_TILE_WIDTH, HEIGHT = CORE_FIT_TILE_HEIGHT, PITCH = WIDTH + BLOCK };

static const float CUTOFF = 0.002187491118f;  /* exp(-12.25 / 2) */
static const float T_END = -8.836507188f;  /* log2 of it */
static const float T_SMOOTH = -100.0f;     /* 2^-100 is a normal float32, with room for the ratio of two rows */
static const float COLUMNS[BLOCK] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The whole number from x upwards, or the nearest of 0 .. end. */
static inline int32_t ceil_within(float x, int64_t end) {
    float inside = x > 0.0f ? x : 0.0f;
    inside = inside < (float)end ? inside : (float)end;
    int32_t whole = (int32_t)inside;
    return whole + ((float)whole < inside);
}

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }

/* Half of what the ellipse is high at dx: the root of (T_END 4 c - (4 a c - b^2) dx^2) / (2 c)^2. */
static inline float half_height(const core_fit_placed *p, float dx) { return __builtin_sqrtf(most(2.0f * T_END * p->per_c - p->narrowing * dx * dx, 0.0f)); }

/* `x`, `y`: the mean, relative to the tile; `left`: the first column of the block. */
static inline rows rows_of(const core_fit_placed *p, float x, float y, int64_t left, int64_t height) {
    float first_dx = (float)left + 0.5f - x, last_dx = first_dx + (BLOCK - 1);
    float low = most(first_dx, -p->extent_x), high = least(last_dx, p->extent_x), slope = -p->b * p->per_c;
    float down = least(most(p->apex, low), high), up = least(most(-p->apex, low), high);
    float bottom = slope * down + half_height(p, down), top = slope * up - half_height(p, up);
    rows r;
    r.first = (int16_t)ceil_within(y + top - 0.5f, height);
    r.last = (int16_t)ceil_within(y + bottom + 0.5f, height); /* one past the floor, but where the border is a whole number: there the weight is 0 */
    float y0 = (float)r.first + 0.5f - y, y1 = (float)r.last - 0.5f - y;
    float upper = least((p->a * first_dx + p->b * y0) * first_dx, (p->a * last_dx + p->b * y0) * last_dx) + p->c * y0 * y0;
    float lower = least((p->a * first_dx + p->b * y1) * first_dx, (p->a * last_dx + p->b * y1) * last_dx) + p->c * y1 * y1;
    r.smooth = least(upper, lower) > T_SMOOTH;
    return r;
}

/* Far from the mean of a thin, slanted Gaussian the terms of a dx^2 + b dx dy + c dy^2 cancel; -(u^2 + v^2) keeps its digits. */
static inline vec weights_at(const core_fit_placed *p, vec dx, float dy) {
    vec u = p->u_x * dx + p->u_y * dy, v = p->v_x * dx + p->v_y * dy;
    return exp2_of(-(u * u + v * v));
}

typedef struct walk { /* down LANES columns of a block: the weight here, its ratio to the next row's, what that is multiplied with */
    vec w, ratio, curve;
} walk;

static inline walk begin(const core_fit_placed *p, vec dx, float dy, int32_t smooth) {
    walk s = {weights_at(p, dx, dy), splat(1.0f), splat(1.0f)};
    if (smooth) {
        s.ratio = exp2_of(p->b * dx + p->c * (2.0f * dy + 1.0f));
        s.curve = splat(p->curve);
    }
    return s;
}

static inline void go_on(walk *s, const core_fit_placed *p, vec dx, float dy, int32_t smooth) {
    if (smooth) {
        s->w *= s->ratio;
        s->ratio *= s->curve;
    } else {
        s->w = weights_at(p, dx, dy);
    }
}

#endif
