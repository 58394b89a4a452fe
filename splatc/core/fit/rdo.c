/* What becomes of the squared error if a Gaussian changes (rdo.h). Compiled once for each instruction set. */
#include "rdo_internal.h"

#include "vector_math.h"

enum {
    RUN = 16,  /* samples of a row at a time, whatever the width of vectors */
    ROWS = 24, /* of a Gaussian that are looked at, or up to twice as many: every n-th where there are more */
};

static const float END = 8.8365359f, CUTOFF = 0.0021874911f; /* the exponent (of 2) where a Gaussian ends, and what its weight would be there */
static const float LEAST_WEIGHT = 1e-5f;

typedef struct ellipse { /* a weight is 2^-(a dx^2 + b dx dy + c dy^2), less CUTOFF */
    float x, y, a, b, c;
    float slant, narrowing; /* the middle of a row lies at slant dy, its half length is the root of (END - narrowing dy^2) / a */
    int64_t first, last;    /* rows; none where first > last */
    float wide;             /* px to the left and to the right of the mean */
    const float *colour;
} ellipse;

typedef struct span { /* samples first .. last of a row */
    int64_t first, last;
} span;

static inline float clamped(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static inline ellipse ellipse_of(const core_rdo *t, int64_t choice, int64_t i) {
    const float *p = t->choice + (choice * t->count + i) * (CORE_RDO_SHAPE + t->channels);
    const float half = 0.72134752f; /* log2(e) / 2 */
    ellipse e = {.x = p[0], .y = p[1], .colour = p + CORE_RDO_SHAPE, .first = 0, .last = -1};
    if (!(p[2] > 0.0f)) return e;
    vec sine, cosine;
    sine_cosine(splat(p[4]), &sine, &cosine);
    float s = sine[0], c = cosine[0], v1 = p[2] * p[2], v2 = p[3] * p[3], p1 = half / v1, p2 = half / v2;
    e.a = c * c * p1 + s * s * p2, e.b = 2.0f * c * s * (p1 - p2), e.c = s * s * p1 + c * c * p2;
    e.slant = -e.b / (2.0f * e.a), e.narrowing = p1 * p2 / e.a;
    float reach = __builtin_sqrtf(12.25f * (s * s * v1 + c * c * v2));
    e.wide = __builtin_sqrtf(12.25f * (c * c * v1 + s * s * v2));
    e.first = (int64_t)clamped(e.y - reach - 0.5f, 0.0f, (float)t->height);
    e.last = (int64_t)clamped(e.y + reach + 0.5f, -1.0f, (float)t->height - 1.0f);
    return e;
}

static inline span span_of(const core_rdo *t, const ellipse *e, int64_t y) {
    float dy = (float)y + 0.5f - e->y, square = (END - e->narrowing * dy * dy) / e->a;
    if (y < e->first || y > e->last || square < 0.0f) return (span){INT32_MAX, -1};
    float middle = e->x + e->slant * dy - 0.5f, half = __builtin_sqrtf(square), end = (float)t->width;
    return (span){(int64_t)clamped(middle - half, 0.0f, end), (int64_t)clamped(middle + half + 1.0f, -1.0f, end - 1.0f)};
}

static inline span both(span a, span b) { return (span){min64(a.first, b.first), max64(a.last, b.last)}; }

/* The weights of LANES samples from x on; 0 behind the end of the row. */
static inline vec weights_of(const core_rdo *t, const ellipse *e, int64_t x, int64_t y) {
    vec index = {0};
    for (int32_t k = 0; k < LANES; k++) index[k] = (float)k;
    vec dx = (index + (float)x) + 0.5f - e->x; /* whole numbers are added exactly, whatever the lane */
    float dy = (float)y + 0.5f - e->y;
    vec weight = positive_part(exp2_of(-((e->a * dx + e->b * dy) * dx + e->c * dy * dy)) - CUTOFF);
    return choose(index < splat((float)(t->width - x)), weight, splat(0.0f));
}

static inline int64_t plane(const core_rdo *t, int32_t c, int64_t x, int64_t y) { return (c * t->height + y) * t->stride + x; }

static inline float total_of(const vec *lanes) {
    float all[RUN] __attribute__((aligned(64)));
    memcpy(all, lanes, sizeof all);
    return sum_of_16(all);
}

/* Which rows of two are looked at: every `step`-th. */
static inline int64_t step_of(int64_t first, int64_t last) { return max64((last - first + 1) / ROWS, 1); }

/* What the squared error changes by if `g` becomes `h`, which has another shape or is none. */
static double change_of(const core_rdo *t, const ellipse *g, const ellipse *h, int64_t turn) {
    vec sum[RUN / LANES] = {0};
    int64_t first = h->first > h->last ? g->first : min64(g->first, h->first), last = max64(g->last, h->last), step = step_of(first, last);
    for (int64_t y = first + turn % step; y <= last; y += step) {
        span s = both(span_of(t, g, y), span_of(t, h, y));
        for (int64_t x = s.first; x <= s.last; x += RUN)
            for (int32_t k = 0; k < RUN / LANES; k++) {
                int64_t at = x + k * LANES;
                vec total = load(t->sums + plane(t, t->channels, at, y)), before = weights_of(t, g, at, y), after = {0};
                if (h->first <= h->last) after = weights_of(t, h, at, y);
                vec per_old = 1.0f / greater(total, splat(LEAST_WEIGHT)), per_new = 1.0f / greater(total - before + after, splat(LEAST_WEIGHT));
                for (int32_t c = 0; c < t->channels; c++) {
                    vec drawn = load(t->sums + plane(t, c, at, y)), wanted = load(t->target + plane(t, c, at, y));
                    vec was = drawn * per_old - wanted, is = (drawn - before * g->colour[c] + after * h->colour[c]) * per_new - wanted;
                    vec change = (is - was) * (is + was);
                    sum[k] += choose(before + after > splat(0.0f), change, splat(0.0f));
                }
            }
    }
    return (double)total_of(sum) * (double)step;
}

typedef struct moments { /* of the share m of a Gaussian in each sample: sums of m o, o the error, and of m^2 */
    double by_error[CORE_MAX_CHANNELS], square;
} moments;

static moments moments_of(const core_rdo *t, const ellipse *g, int64_t turn) {
    vec by_error[CORE_MAX_CHANNELS][RUN / LANES] = {0}, square[RUN / LANES] = {0};
    int64_t step = step_of(g->first, g->last);
    moments m = {0};
    for (int64_t y = g->first + turn % step; y <= g->last; y += step) {
        span s = span_of(t, g, y);
        for (int64_t x = s.first; x <= s.last; x += RUN)
            for (int32_t k = 0; k < RUN / LANES; k++) {
                int64_t at = x + k * LANES;
                vec per = 1.0f / greater(load(t->sums + plane(t, t->channels, at, y)), splat(LEAST_WEIGHT)), share = weights_of(t, g, at, y) * per;
                square[k] += share * share;
                for (int32_t c = 0; c < t->channels; c++)
                    by_error[c][k] += share * (load(t->sums + plane(t, c, at, y)) * per - load(t->target + plane(t, c, at, y)));
            }
    }
    m.square = (double)total_of(square) * (double)step;
    for (int32_t c = 0; c < t->channels; c++) m.by_error[c] = (double)total_of(by_error[c]) * (double)step;
    return m;
}

/* Of another colour alone. */
static double recoloured(const core_rdo *t, const moments *m, const ellipse *g, const ellipse *h) {
    double sum = 0.0;
    for (int32_t c = 0; c < t->channels; c++) {
        double change = (double)h->colour[c] - (double)g->colour[c];
        sum += change * (2.0 * m->by_error[c] + change * m->square);
    }
    return sum;
}

static void add(const core_rdo *t, const ellipse *g, float sign) {
    for (int64_t y = g->first; y <= g->last; y++) {
        span s = span_of(t, g, y);
        for (int64_t x = s.first; x <= s.last; x += RUN)
            for (int32_t k = 0; k < RUN; k += LANES) {
                vec weight = sign * weights_of(t, g, x + k, y);
                float *total = t->sums + plane(t, t->channels, x + k, y);
                store(total, load(total) + weight);
                for (int32_t c = 0; c < t->channels; c++) {
                    float *sum = t->sums + plane(t, c, x + k, y);
                    store(sum, load(sum) + weight * g->colour[c]);
                }
            }
    }
}

void AT_LEVEL(rdo_draw)(const core_rdo *t, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
        ellipse g = ellipse_of(t, 0, i);
        add(t, &g, 1.0f);
    }
}

double AT_LEVEL(rdo_error)(const core_rdo *t) {
    double all = 0.0;
    for (int64_t y = 0; y < t->height; y++) {
        vec sum[RUN / LANES] = {0}, index = {0};
        for (int32_t k = 0; k < LANES; k++) index[k] = (float)k;
        for (int64_t x = 0; x < t->width; x += RUN)
            for (int32_t k = 0; k < RUN / LANES; k++) {
                int64_t at = x + k * LANES;
                vec per = 1.0f / greater(load(t->sums + plane(t, t->channels, at, y)), splat(LEAST_WEIGHT));
                for (int32_t c = 0; c < t->channels; c++) {
                    vec error = load(t->sums + plane(t, c, at, y)) * per - load(t->target + plane(t, c, at, y));
                    sum[k] += choose(index < splat((float)(t->width - at)), error * error, splat(0.0f));
                }
            }
        all += (double)total_of(sum);
    }
    return all;
}

static int32_t same_shape(const core_rdo *t, int64_t choice, int64_t i) {
    const float *a = t->choice + i * (CORE_RDO_SHAPE + t->channels), *b = t->choice + (choice * t->count + i) * (CORE_RDO_SHAPE + t->channels);
    for (int32_t k = 0; k < CORE_RDO_SHAPE; k++)
        if (a[k] != b[k]) return 0;
    return 1;
}

void AT_LEVEL(rdo_choose)(const core_rdo *t, int64_t first, int64_t last) {
    for (int64_t turn = first; turn < last; turn++) {
        int64_t i = t->order[turn], best = 0;
        double least = -1e-12;
        ellipse g = ellipse_of(t, 0, i);
        moments m = moments_of(t, &g, turn);
        for (int64_t choice = 1; choice < t->choices; choice++) {
            double price = t->price[choice * t->count + i];
            int32_t is_last = choice == t->choices - 1;
            if (price > 1e30 && !is_last) continue;
            ellipse h = ellipse_of(t, choice, i);
            double change = same_shape(t, choice, i) ? recoloured(t, &m, &g, &h) : change_of(t, &g, &h, turn);
            if (is_last) t->cost[i] = change;
            if (change + price < least) least = change + price, best = choice;
        }
        t->chosen[i] = (int32_t)best;
        if (best > 0) {
            ellipse h = ellipse_of(t, best, i);
            add(t, &g, -1.0f);
            add(t, &h, 1.0f);
        }
    }
}

typedef struct area { /* cells */
    int64_t x0, y0, x1, y1;
} area;

/* The cells whose samples any of the choices of a Gaussian reads or changes. */
static area cells_of(const core_rdo *t, int64_t i) {
    float end = (float)t->width - 1.0f;
    area all = {INT32_MAX, INT32_MAX, -1, -1};
    for (int64_t choice = 0; choice < t->choices; choice++) {
        if (t->price[choice * t->count + i] > 1e30) continue;
        ellipse e = ellipse_of(t, choice, i);
        if (e.first > e.last) continue;
        all.x0 = min64(all.x0, (int64_t)clamped(e.x - e.wide - 2.0f, 0.0f, end) / CORE_RDO_CELL);
        all.x1 = max64(all.x1, (int64_t)clamped(e.x + e.wide + 2.0f + (float)RUN, 0.0f, end) / CORE_RDO_CELL);
        all.y0 = min64(all.y0, e.first / CORE_RDO_CELL), all.y1 = max64(all.y1, e.last / CORE_RDO_CELL);
    }
    return all;
}

void AT_LEVEL(rdo_arrange)(const core_rdo *t, int32_t *latest, int32_t *wave) {
    int64_t columns = (t->width + CORE_RDO_CELL - 1) / CORE_RDO_CELL;
    for (int64_t turn = 0; turn < t->count; turn++) {
        area cells = cells_of(t, t->order[turn]);
        int32_t before = 0;
        for (int64_t y = cells.y0; y <= cells.y1; y++)
            for (int64_t x = cells.x0; x <= cells.x1; x++) before = latest[y * columns + x] > before ? latest[y * columns + x] : before;
        wave[turn] = before;
        for (int64_t y = cells.y0; y <= cells.y1; y++)
            for (int64_t x = cells.x0; x <= cells.x1; x++) latest[y * columns + x] = before + 1;
    }
}
