/* SSIM of two pictures and its gradient, strip by strip. Compiled once for each instruction set, and the same numbers in all.

   At the borders of the picture the window is cut off and renormalized, so every pixel counts and pictures of any size have an SSIM. Samples are less 0.5 here:
   variances are differences of large numbers, which this makes smaller. What follows from the target alone, its means and variances, was made before. */
#include "loss_parts.h"

#define LOSS_STRIPS AT_LEVEL(loss_strips)

enum { AHEAD = 2 }; /* rows of a strip lie too far apart for the processor to foresee them: fetched so many rows before, 8 % of a gradient's time */

static const float SHIFT = 0.5f;

/* Columns that a row in a workspace has of those of the picture: first .. first + count - 1. */
typedef struct columns {
    int64_t first, count;
    int64_t from, to; /* those within the picture, relative to the first */
} columns;

static columns columns_from(const loss_scale *s, int64_t first, int64_t count) {
    columns c = {.first = first, .count = count};
    c.from = min64(max64(-first, 0), count);
    c.to = max64(min64(s->width - first, count), c.from);
    return c;
}

static void clear_outside(const columns *c, float *row) {
    memset(row, 0, (size_t)c->from * sizeof *row);
    memset(row + c->to, 0, (size_t)(c->count - c->to) * sizeof *row);
}

/* y and y^2 of the target, 0 outside of the picture: (2, LENGTH). */
static void load_one(const core_loss *t, const loss_layout *layout, const loss_strip *strip, const columns *c, int64_t row, float *room, float *y) {
    const float *target = target_row(t, layout, strip->scale, row, strip->channel, c->first + c->from, c->first + c->to, room) - c->from;
    for (int64_t i = c->from; i < c->to; i++) {
        float b = target[i] - SHIFT;
        y[i] = b;
        y[LENGTH + i] = b * b;
    }
    for (int32_t k = 0; k < 2; k++) clear_outside(c, y + k * LENGTH);
}

static inline void multiply(vec drawn, vec target, float *x) {
    vec a = drawn - SHIFT;
    store(x, a);
    store(x + LENGTH, a * a);
    store(x + 2 * LENGTH, a * (target - SHIFT));
}

/* x, x^2 and x y, likewise: (3, LENGTH). */
static void load_two(const core_loss *t, const loss_layout *layout, const loss_strip *strip, const columns *c, int64_t row, float *room, float *x) {
    const float *drawn = drawn_row(t, layout, strip->scale, row, strip->channel) + c->first;
    const float *target = target_row(t, layout, strip->scale, row, strip->channel, c->first + c->from, c->first + c->to, room) - c->from;
    int64_t last = c->to - LANES, ahead = AHEAD * t->channels * (strip->scale == 0 ? t->stride : layout->scale[strip->scale].stride);
    for (int64_t i = c->from; i < c->to && last >= c->from; i += LANES) {
        int64_t at = min64(i, last); /* the last vector may overlap the one before it */
        __builtin_prefetch(drawn + at + ahead);
        multiply(load(drawn + at), load(target + at), x + at);
    }
    for (int64_t i = c->from; i < c->to && last < c->from; i++) {
        float a = drawn[i] - SHIFT;
        x[i] = a;
        x[LENGTH + i] = a * a;
        x[2 * LENGTH + i] = a * (target[i] - SHIFT);
    }
    for (int32_t k = 0; k < 3; k++) clear_outside(c, x + k * LENGTH);
}

/* Mean and variance of the target over the window around column `i`, from the rows of a ring of load_one. */
static inline vec moments(const window *g, const window_rows *around, int64_t i, vec fit, vec *variance) {
    vec mean = sum_down(g, around, i) * fit;
    *variance = sum_down(g, around, LENGTH + i) * fit - mean * mean;
    return mean;
}

static void measure(const core_loss *t, const loss_layout *layout, const loss_strip *strip, float *rows, double *sums) {
    const loss_scale *s = &layout->scale[strip->scale];
    float *ring = rows, *zeros = ring + TAPS * 2 * LENGTH, *y = zeros + 2 * LENGTH, *room = y + 2 * LENGTH;
    int64_t count = strip->right - strip->left;
    columns c = columns_from(s, strip->left - RADIUS, count + 2 * RADIUS);
    window g = window_of(RADIUS);
    (void)sums;
    memset(zeros, 0, 2 * LENGTH * sizeof *zeros);
    for (int64_t row = max64(strip->top - RADIUS, 0); row < strip->bottom + RADIUS; row++) {
        if (row < s->height) {
            load_one(t, layout, strip, &c, row, room, y);
            for (int32_t k = 0; k < 2; k++) sum_across(&g, y + k * LENGTH, ring_row(ring, row, 2) + k * LENGTH, count);
        }
        int64_t middle = row - RADIUS;
        if (middle < strip->top) continue;
        window_rows around = rows_around(ring, middle, s->height, 2, zeros);
        float *mean = plane_row(s->mean, s, t->channels, middle, strip->channel) + strip->left;
        float *variance = plane_row(s->variance, s, t->channels, middle, strip->channel) + strip->left;
        for (int64_t i = 0; i < count; i += LANES) {
            vec spread, fit = load(s->fit_x + strip->left + i) * s->fit_y[middle];
            store(mean + i, moments(&g, &around, i, fit, &spread));
            store(variance + i, spread);
        }
    }
}

/* 1 / (2 variance + C2) at each sample of a row. For small differences SSIM is 1 minus the squared difference divided by the variances of both pictures: an
   error in smooth areas weighs more than one in texture. */
static void make_weights(const window *g, const loss_scale *s, const window_rows *around, int64_t row, int64_t left, int64_t count, float *weights) {
    for (int64_t i = 0; i < count; i += LANES) {
        vec variance, fit = load(s->fit_x + left + i) * s->fit_y[row];
        moments(g, around, i, fit, &variance);
        vec weight = 1.0f / (2.0f * positive_part(variance) + C2);
        *(vec *)(weights + i) = (vec)((ivec)weight & (fit > splat(0.0f)));
    }
}

/* What the sensitivity of a scale is multiplied with: at full size nothing, below it as the curvature needs it. Spread over the samples of full size it is
   divided by how many of them a sample of this scale stands for. */
static float weight_of(const core_loss *t, const loss_layout *layout, int32_t scale) {
    const loss_scale *s = &layout->scale[scale];
    if (scale == 0) return 1.0f;
    return (float)(SMOOTH * SCALE_WEIGHTS[scale] * ((double)t->width * (double)t->height) / ((double)s->width * (double)s->height));
}

/* Averages those weights over the window. */
static void weigh(const core_loss *t, const loss_layout *layout, const loss_strip *strip, float *rows, double *sums) {
    const loss_scale *s = &layout->scale[strip->scale];
    float *ring = rows, *second = ring + TAPS * 2 * LENGTH, *zeros = second + TAPS * LENGTH;
    float *y = zeros + 2 * LENGTH, *weights = y + 2 * LENGTH, *room = weights + LENGTH, weight = weight_of(t, layout, strip->scale);
    int64_t count = strip->right - strip->left, wide = whole_blocks(count + 2 * RADIUS);
    columns c = columns_from(s, strip->left - 2 * RADIUS, wide + 2 * RADIUS);
    window g = window_of(RADIUS);
    (void)sums;
    memset(zeros, 0, 2 * LENGTH * sizeof *zeros);
    for (int64_t row = max64(strip->top - 2 * RADIUS, 0); row < strip->bottom + 2 * RADIUS; row++) {
        if (row < s->height) {
            load_one(t, layout, strip, &c, row, room, y);
            for (int32_t k = 0; k < 2; k++) sum_across(&g, y + k * LENGTH, ring_row(ring, row, 2) + k * LENGTH, wide);
        }
        int64_t middle = row - RADIUS, end = row - 2 * RADIUS;
        if (middle >= max64(strip->top - RADIUS, 0) && middle < s->height) {
            window_rows around = rows_around(ring, middle, s->height, 2, zeros);
            make_weights(&g, s, &around, middle, strip->left - RADIUS, wide, weights);
            sum_across(&g, weights, ring_row(second, middle, 1), count);
        }
        if (end < strip->top) continue;
        window_rows around = rows_around(second, end, s->height, 1, zeros);
        float *planes = strip->scale == 0 ? layout->sensitivity : s->gradient, *out = plane_row(planes, s, t->channels, end, strip->channel) + strip->left;
        for (int64_t i = 0; i < count; i += LANES) store(out + i, sum_down(&g, &around, i) * (load(s->fit_x + strip->left + i) * s->fit_y[end] * weight));
    }
}

/* SSIM at each sample of a row, and its partial derivatives (3, LENGTH) by the means of x, of x^2 (twice it) and of x y, times the renormalization of their
   window, ready for being spread by the same window; 0 outside of the picture. `ahead`: floats to the row of the target that will be needed soon. */
static void differentiate(const window *g, const loss_scale *s, const window_rows *around, int64_t row, const float *fit_x, const float *mean,
                          const float *variance, int64_t ahead, int64_t count, float *similarity, float *partial) {
    for (int64_t i = 0; i < count; i += LANES) {
        vec fit = load(fit_x + i) * s->fit_y[row];
        __builtin_prefetch(mean + i + ahead);
        __builtin_prefetch(variance + i + ahead);
        vec shifted_x = sum_down(g, around, i) * fit, shifted_y = load(mean + i);
        vec x = shifted_x + SHIFT, y = shifted_y + SHIFT;
        vec spread = sum_down(g, around, LENGTH + i) * fit - shifted_x * shifted_x + load(variance + i);
        vec covariance = sum_down(g, around, 2 * LENGTH + i) * fit - shifted_x * shifted_y;
        /* SSIM = (a1 a2) / (b1 b2) */
        vec a1 = 2.0f * (x * y) + C1, b1 = x * x + y * y + C1, a2 = 2.0f * covariance + C2, b2 = spread + C2;
        vec inverse = 1.0f / (b1 * b2), ssim = a1 * a2 * inverse;
        vec by_product = 2.0f * (a1 * inverse), by_square = -2.0f * (ssim * (b1 * inverse));
        vec by_luminance = 2.0f * (y * (a2 * inverse) - x * (ssim * (b2 * inverse)));
        vec by_mean = by_luminance - shifted_y * by_product - shifted_x * by_square;
        *(vec *)(similarity + i) = (vec)((ivec)ssim & (fit > splat(0.0f)));
        *(vec *)(partial + i) = by_mean * fit;
        *(vec *)(partial + LENGTH + i) = by_square * fit;
        *(vec *)(partial + 2 * LENGTH + i) = by_product * fit;
    }
}

/* Writes a row of the gradient: weight (spread(partial 0) + x spread(partial 1) + y spread(partial 2)); `around` are the rows of a ring of sums, `y` is the
   target. */
static void spread_row(const core_loss *t, const loss_layout *layout, const loss_strip *strip, const window *g, const window_rows *around, int64_t row,
                       float weight, const float *y) {
    const loss_scale *s = &layout->scale[strip->scale];
    const float *x = drawn_row(t, layout, strip->scale, row, strip->channel) + strip->left;
    float *out = strip->scale == 0 ? t->gradient + (row * t->channels + strip->channel) * t->stride
                                   : plane_row(s->gradient, s, t->channels, row, strip->channel);
    for (int64_t i = 0; i < strip->right - strip->left; i += LANES) {
        vec slope = sum_down(g, around, i) + (load(x + i) - SHIFT) * sum_down(g, around, LENGTH + i);
        slope += (load(y + i) - SHIFT) * sum_down(g, around, 2 * LENGTH + i);
        ivec inside = load(s->fit_x + strip->left + i) > splat(0.0f);
        store(out + strip->left + i, (vec)((ivec)(slope * weight) & inside));
    }
    if (strip->scale == 0 && strip->right >= t->width) memset(out + strip->right, 0, (size_t)(t->stride - strip->right) * sizeof *out);
}

/* Adds the slope of |x - y| to a row of the gradient; the sums of |x - y| and of (x - y)^2. */
static void add_differences(const core_loss *t, const loss_layout *layout, const loss_strip *strip, int64_t row, const float *y, double *sums) {
    const float *fit_x = layout->scale[0].fit_x + strip->left;
    int64_t at = (row * t->channels + strip->channel) * t->stride + strip->left;
    float *out = t->gradient + at, slope = (float)(1.0 - SSIM_WEIGHT);
    block absolute = {0}, squares = {0};
    for (int64_t from = 0; from < strip->right - strip->left; from += BLOCK)
        for (int32_t k = 0; k < VECTORS; k++) {
            int64_t i = from + k * LANES;
            vec d = (vec)((ivec)(load(t->drawn + at + i) - load(y + i)) & (load(fit_x + i) > splat(0.0f)));
            store(out + i, load(out + i) + sign_of(d, slope));
            absolute.part[k] += absolute_of(d);
            squares.part[k] += d * d;
        }
    sums[1] += block_total(&absolute);
    sums[2] += block_total(&squares);
}

/* What the gradient of the sum of SSIM of a scale is multiplied with. */
static float slope_of(const core_loss *t, const loss_layout *layout, int32_t scale) {
    const loss_scale *s = &layout->scale[scale];
    if (t->loss == CORE_LOSS_L1_SSIM) return (float)-SSIM_WEIGHT;
    return (float)(-SCALE_WEIGHTS[scale] * ((double)t->width * (double)t->height) / ((double)s->width * (double)s->height));
}

static void compare(const core_loss *t, const loss_layout *layout, const loss_strip *strip, float *rows, double *sums) {
    const loss_scale *s = &layout->scale[strip->scale];
    float *ring = rows, *second = ring + TAPS * 3 * LENGTH, *zeros = second + TAPS * 3 * LENGTH, *x = zeros + 3 * LENGTH;
    float *partial = x + 3 * LENGTH, *similarity = partial + 3 * LENGTH, *room = similarity + LENGTH;
    int64_t count = strip->right - strip->left, wide = whole_blocks(count + 2 * RADIUS), left = strip->left - RADIUS;
    columns c = columns_from(s, strip->left - 2 * RADIUS, wide + 2 * RADIUS);
    window g = window_of(RADIUS);
    float slope = slope_of(t, layout, strip->scale);
    memset(zeros, 0, 3 * LENGTH * sizeof *zeros);
    for (int64_t row = max64(strip->top - 2 * RADIUS, 0); row < strip->bottom + 2 * RADIUS; row++) {
        if (row < s->height) {
            load_two(t, layout, strip, &c, row, room, x);
            for (int32_t k = 0; k < 3; k++) sum_across(&g, x + k * LENGTH, ring_row(ring, row, 3) + k * LENGTH, wide);
        }
        int64_t middle = row - RADIUS, end = row - 2 * RADIUS;
        if (middle >= max64(strip->top - RADIUS, 0) && middle < s->height) {
            window_rows around = rows_around(ring, middle, s->height, 3, zeros);
            differentiate(&g, s, &around, middle, s->fit_x + left, plane_row(s->mean, s, t->channels, middle, strip->channel) + left,
                          plane_row(s->variance, s, t->channels, middle, strip->channel) + left, AHEAD * t->channels * s->stride, wide, similarity,
                          partial);
            for (int32_t k = 0; k < 3; k++) sum_across(&g, partial + k * LENGTH, ring_row(second, middle, 3) + k * LENGTH, count);
            if (middle >= strip->top && middle < strip->bottom) sums[0] += total(similarity + RADIUS, count);
        }
        if (end < strip->top) continue;
        window_rows around = rows_around(second, end, s->height, 3, zeros);
        const float *y = target_row(t, layout, strip->scale, end, strip->channel, strip->left, strip->right, room);
        spread_row(t, layout, strip, &g, &around, end, slope, y);
        if (t->loss == CORE_LOSS_L1_SSIM) add_differences(t, layout, strip, end, y, sums);
    }
}

const loss_strips LOSS_STRIPS = {.measure = measure, .weigh = weigh, .compare = compare};
