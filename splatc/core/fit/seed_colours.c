/* First colours: the Gaussian-weighted median of the pixels under each Gaussian, which an edge does not blur (SmartSplat, section 3). Compiled once for each
   instruction set; sums are of integers, so that their order is nothing to the result.

   The median is the smallest value that has half of the weight at or below it. It is looked for between two values of the window which it must lie between: each
   round halves what is between them and finds the sum of weights below, and the values next to the middle. */
#include "seed.h"

#include "internal.h"
#include "lanes.h"

#define FIND_COLOURS AT_LEVEL(find_colours)

enum { STEPS = 6, SIDE = 2 * STEPS + 1, LINE = 16, ROUNDED = (SIDE * SIDE + 15) / 16 * 16 };

static const double RADIUS = 3.0;           /* standard deviations that a Gaussian looks at, at most STEPS pixels of them on each side */
static const float HALF_LOG2_E = 0.72134752f;
static const float ONE = 1048576.0f;        /* the weight of a pixel at the mean: 169 of them fit into 31 bits */
static const float LEAST_SCALE = 1e-3f;
static const float PLACES[LINE] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

typedef struct line { /* pixels first, first + stride, ..., of a row or a column of a window, with their weights */
    int64_t first;
    int32_t count;
    float weight[LINE] __attribute__((aligned(64)));
} line;

typedef struct window {
    int32_t count; /* a multiple of 16: filled up with copies without weight */
    int32_t total; /* of the weights */
    int32_t weight[ROUNDED] __attribute__((aligned(64)));
    int32_t value[CORE_MAX_CHANNELS][ROUNDED] __attribute__((aligned(64))); /* bits of floats >= 0, which order as they do */
} window;

/* The pixels at middle + k stride, |k| <= steps, that are there. */
static line line_of(float mean, float scale, int64_t middle, int64_t stride, int64_t steps, int64_t length) {
    int64_t low = min64(steps, middle / stride), high = min64(steps, (length - 1 - middle) / stride);
    line l = {.first = middle - low * stride, .count = (int32_t)(low + high + 1)};
    for (int32_t k = 0; k < LINE; k += LANES) {
        vec d = (*(const vec *)(PLACES + k) * (float)stride + ((float)l.first + 0.5f - mean)) / scale;
        *(vec *)(l.weight + k) = exp2_of((d * d) * -HALF_LOG2_E);
    }
    return l;
}

static inline void gather(const core_colours *t, const line *across, const line *down, int64_t stride, window *w, const int32_t channels) {
    int32_t n = 0;
    w->total = 0;
    for (int32_t row = 0; row < down->count; row++) {
        const float *pixel = t->image + ((down->first + row * stride) * t->width + across->first) * channels;
        for (int32_t column = 0; column < across->count; column++, n++, pixel += stride * channels) {
            w->weight[n] = (int32_t)(across->weight[column] * down->weight[row] * ONE) + 1;
            w->total += w->weight[n];
            for (int32_t c = 0; c < channels; c++) {
                int32_t bits;
                memcpy(&bits, pixel + c, sizeof bits);
                w->value[c][n] = max32(bits, 0);
            }
        }
    }
    for (; n % 16; n++) {
        w->weight[n] = 0;
        for (int32_t c = 0; c < channels; c++) w->value[c][n] = w->value[c][0];
    }
    w->count = n;
}

static inline ivec larger(ivec a, ivec b) { return (a & (a > b)) | (b & ~(a > b)); }
static inline ivec smaller(ivec a, ivec b) { return (a & (a < b)) | (b & ~(a < b)); }

typedef struct parting { /* of a window by a value */
    int32_t sum;   /* of the weights of values up to it */
    int32_t below; /* the largest of these values */
    int32_t above; /* the smallest of the others */
} parting;

static inline parting parted(const window *w, const int32_t *value, int32_t middle) {
    ivec sum = {0}, below = {0}, above = {0};
    above += INT32_MAX;
    for (int32_t i = 0; i < w->count; i += LANES) {
        ivec v = *(const ivec *)(value + i), is_below = v <= middle;
        sum += *(const ivec *)(w->weight + i) & is_below;
        below = larger(below, v & is_below);
        above = smaller(above, v | (is_below & INT32_MAX));
    }
    parting p = {sum[0], below[0], above[0]};
    for (int32_t k = 1; k < LANES; k++) p.sum += sum[k], p.below = max32(p.below, below[k]), p.above = min32(p.above, above[k]);
    return p;
}

static int32_t median(const window *w, const int32_t *value) {
    int32_t low = INT32_MAX, high = 0;
    for (int32_t i = 0; i < w->count; i++) low = min32(low, value[i]), high = max32(high, value[i]);
    while (low < high) {
        parting p = parted(w, value, low + (high - low) / 2);
        if (2 * p.sum >= w->total)
            high = p.below;
        else
            low = p.above;
    }
    return low;
}

static void find_colour(const core_colours *t, int64_t i, window *w) {
    float x = t->mean[2 * i], y = t->mean[2 * i + 1], scale = t->scale[i] > LEAST_SCALE ? t->scale[i] : LEAST_SCALE;
    int64_t radius = min64(max64(ceil64(RADIUS * (double)scale), 1), INT32_MAX), stride = (radius + STEPS - 1) / STEPS, steps = (radius + stride - 1) / stride;
    int64_t column = min64(max64(floor64((double)x), 0), t->width - 1), row = min64(max64(floor64((double)y), 0), t->height - 1);
    line across = line_of(x, scale, column, stride, steps, t->width), down = line_of(y, scale, row, stride, steps, t->height);
    if (t->channels == 3)
        gather(t, &across, &down, stride, w, 3);
    else
        gather(t, &across, &down, stride, w, t->channels);
    for (int32_t c = 0; c < t->channels; c++) {
        int32_t bits = median(w, w->value[c]);
        memcpy(t->colour + i * t->channels + c, &bits, sizeof bits);
    }
}

int32_t FIND_COLOURS(const core_colours *t, int64_t chunk) {
    int64_t last = min64((chunk + 1) * CORE_SEED_POINTS, t->count);
    window w;
    for (int64_t i = chunk * CORE_SEED_POINTS; i < last; i++) find_colour(t, i, &w);
    return CORE_OK;
}
