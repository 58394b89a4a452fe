/* Gradient and variance around each pixel, and variates that draw pixels in proportion to both (SmartSplat, section 3). Compiled once for each instruction
   set; its loops are plain, the compiler makes vectors of them, and nothing is summed up in another order.

   In float64 and without fused operations both features are exactly zero where the picture is constant: float32 has 24 bits, and every sum below of 25 equal
   values, or of their squares, fits into 53. */
#include "seed.h"

#include "internal.h"
#include "lanes.h"

#define FIND_FEATURES AT_LEVEL(find_features)

enum { SPAN = 128, BORDER = 2, FLAT = (SPAN + 2 * BORDER) * CORE_MAX_CHANNELS };

static const float LN_2 = 0.693147181f;

typedef struct column_sums { /* over the rows around one, of SPAN pixels and BORDER more on each side, channel by channel as in the picture */
    double values[FLAT], squares[FLAT], smooth[FLAT], difference[FLAT];
} column_sums;

static const float *row_at(const core_features *t, int64_t x, int64_t y) {
    return t->image + (min64(max64(y, 0), t->height - 1) * t->width + x) * t->channels;
}

/* Repeats a pixel of the sums. */
static void replicate(column_sums *s, int64_t from, int64_t to, int32_t channels) {
    for (int64_t c = 0; c < channels; c++) {
        int64_t i = from * channels + c, k = to * channels + c;
        s->values[k] = s->values[i], s->squares[k] = s->squares[i];
        s->smooth[k] = s->smooth[i], s->difference[k] = s->difference[i];
    }
}

/* The sums around row y for the pixels left .. left + columns - 1; borders replicate the edge. */
static void sum_columns(const core_features *t, int64_t left, int64_t y, int64_t columns, column_sums *s) {
    int64_t first = max64(left - BORDER, 0), last = min64(left + columns + BORDER, t->width), lead = first - (left - BORDER);
    int64_t count = (last - first) * t->channels, skip = lead * t->channels;
    const float *far_above = row_at(t, first, y - 2), *above = row_at(t, first, y - 1), *here = row_at(t, first, y);
    const float *below = row_at(t, first, y + 1), *far_below = row_at(t, first, y + 2);
    double *restrict values = s->values + skip, *restrict squares = s->squares + skip;
    double *restrict smooth = s->smooth + skip, *restrict difference = s->difference + skip;
    for (int64_t i = 0; i < count; i++) {
        double a = (double)far_above[i], b = (double)above[i], c = (double)here[i], d = (double)below[i], e = (double)far_below[i];
        values[i] = a + b + c + d + e;
        squares[i] = a * a + b * b + c * c + d * d + e * e;
        smooth[i] = b + 2.0 * c + d;
        difference[i] = d - b;
    }
    for (int64_t to = 0; to < lead; to++) replicate(s, lead, to, t->channels);
    for (int64_t to = lead + last - first; to < columns + 2 * BORDER; to++) replicate(s, lead + last - first - 1, to, t->channels);
}

/* Gradient magnitude over all channels, and variance summed over them. */
static void join_columns(const column_sums *s, int64_t columns, const int64_t n, float *restrict gradient, float *restrict variance) {
    double slope[FLAT], spread[FLAT];
    for (int64_t i = 0; i < columns * n; i++) {
        const double *v = s->values + i, *q = s->squares + i, *b = s->smooth + i, *d = s->difference + i;
        double across = b[3 * n] - b[n], down = d[n] + 2.0 * d[2 * n] + d[3 * n];
        slope[i] = across * across + down * down;
        double total = v[0] + v[n] + v[2 * n] + v[3 * n] + v[4 * n], squares = q[0] + q[n] + q[2 * n] + q[3 * n] + q[4 * n];
        double excess = 25.0 * squares - total * total;
        spread[i] = (excess > 0.0 ? excess : 0.0) / 625.0;
    }
    for (int64_t i = 0; i < columns; i++) {
        double g = 0.0, v = 0.0;
        for (int64_t c = 0; c < n; c++) g += slope[i * n + c], v += spread[i * n + c];
        gradient[i] = (float)__builtin_sqrt(g);
        variance[i] = (float)v;
    }
}

static void find_span(const core_features *t, int64_t left, int64_t y, int64_t columns, float *gradient, float *variance) {
    column_sums sums;
    sum_columns(t, left, y, columns, &sums);
    switch (t->channels) { /* constant distances from pixel to pixel: 1.2 times as fast */
    case 1: join_columns(&sums, columns, 1, gradient, variance); break;
    case 3: join_columns(&sums, columns, 3, gradient, variance); break;
    default: join_columns(&sums, columns, t->channels, gradient, variance);
    }
}

static void add_statistics(const float *gradient, const float *variance, int64_t columns, double *statistics) {
    for (int64_t i = 0; i < columns; i++) {
        double g = (double)gradient[i], v = (double)variance[i];
        statistics[0] += g;
        statistics[1] = g > statistics[1] ? g : statistics[1];
        statistics[2] += v;
        statistics[3] = v > statistics[3] ? v : statistics[3];
    }
}

/* 32 bits that look random in all of theirs (the mixer "lowbias32" of Wellons, "Prospecting for hash functions", 2018). */
static inline uint32_t mixed(uint32_t x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

/* An exponential variate of rate 1, -ln(1 - u) of a uniform u: near 0, where most that are drawn lie, to the last bits. */
static inline float exponential(uint32_t bits) {
    float u = ((float)(int32_t)(bits >> 1) + 0.5f) * 0x1p-31f, rest = 1.0f - u;
    union {
        float value;
        int32_t bits;
    } m = {rest > 0x1p-25f ? rest : 0x1p-25f};
    int32_t exponent = (m.bits - 0x3f400000) >> 23; /* 1 - u = m 2^exponent, m in [3/4, 3/2) */
    m.bits -= exponent * (1 << 23);
    float f = exponent == 0 ? -u : m.value - 1.0f, s = f / (2.0f + f), z = s * s;
    float log = s * (2.0f + z * (2.0f / 3.0f + z * (2.0f / 5.0f + z * (2.0f / 7.0f + z * (2.0f / 9.0f)))));
    return -((float)exponent * LN_2 + log);
}

static void draw_arrivals(const core_features *t, int64_t left, int64_t y, int64_t columns, const float *restrict gradient,
                          const float *restrict variance) {
    int64_t at = (y - t->y0) * (t->x1 - t->x0) + left - t->x0;
    float *restrict weight = t->weight + at;
    uint32_t *restrict arrival = t->arrival + at;
    uint32_t row = mixed(mixed((uint32_t)y + (uint32_t)t->seed) ^ (uint32_t)(t->seed >> 32)), first = (uint32_t)left;
    for (int64_t i = 0; i < columns; i++) {
        float w = t->gradient_share * gradient[i] + t->variance_share * variance[i];
        union {
            float value;
            uint32_t bits;
        } key = {exponential(mixed(mixed(row + first + (uint32_t)i))) / (w + t->floor)};
        weight[i] = w;
        arrival[i] = key.bits;
    }
}

int32_t FIND_FEATURES(const core_features *t, int64_t band) {
    int64_t first = t->y0 + band * CORE_SEED_ROWS, last = min64(first + CORE_SEED_ROWS, t->y1);
    float gradient[SPAN], variance[SPAN];
    double statistics[CORE_STATISTICS] = {0};
    for (int64_t y = first; y < last; y++)
        for (int64_t left = t->x0; left < t->x1; left += SPAN) {
            int64_t columns = min64(SPAN, t->x1 - left);
            find_span(t, left, y, columns, gradient, variance);
            if (t->statistics != NULL)
                add_statistics(gradient, variance, columns, statistics);
            else
                draw_arrivals(t, left, y, columns, gradient, variance);
        }
    if (t->statistics != NULL) memcpy(t->statistics + band * CORE_STATISTICS, statistics, sizeof statistics);
    return CORE_OK;
}
