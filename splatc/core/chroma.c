/* Residuals of chroma where what lies around is known: two logistic distributions as wide as neighbours and channels before let expect, and the parametric
   model (spec/draft.md, "Chroma").

   Widths: features are below 2^9, their sum with coefficients below 2^7 is below 2^19; a weight is below 2^14 and there are three, so the sum of shares is below
   2^32, times 2^16 below 2^48; the sum of six differences of colours is below 2^24, times 2^20 below
   2^44; 64 times the sum of distances is below 2^38, as a file has 2^26 Gaussians at most. */
#include "range.h"

enum { LOGISTICS = 2, OUTPUTS = 4, FEATURES = 6, LARGEST = 49, FARTHEST = 320, QUARTERS = 48, LOWEST = -16 * RESIDUAL_RADIUS - 8 };

/* 65536 / (1 + exp(-k / 4)) */
static const int32_t SIGMOID[QUARTERS + 2] = {
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974,
    65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532,
    65533, 65534, 65534, 65535, 65535, 65535, 65535, 65535, 65536, 65536};

/* Of U and V, in sixty-fourths of eighths of an octave: two widths, two weights; what they begin at, in eighths; and how far a channel and what the neighbours are
   against the prediction move the middles, in sixty-fourths: tools/train_chroma.py. */
static const int32_t SLOPES[2][OUTPUTS][FEATURES] = {
    {{18, 13, 6, 2, -2, 0}, {0, 25, 19, -1, 23, 0}, {-35, -121, -94, 23, -41, 0}, {17, 56, -4, -83, 34, 0}},
    {{17, 11, 3, 0, -1, 8}, {-4, 23, -4, 4, 7, 41}, {20, -67, -47, -7, -42, -22}, {78, 2, 25, -80, -9, 54}}};
static const int32_t STARTS[2][OUTPUTS] = {{0, -10, 135, -53}, {1, -2, 71, -62}};
static const int32_t MOVES[2][LOGISTICS][3] = {{{37, 1, 0}, {-8, 1, 0}}, {{34, 0, 5}, {6, 1, -5}}};

/* floor(8 log2(n)) for n > 0, but for the rounding of STEP8 */
static int32_t eighths_of(int64_t n) {
    int32_t whole = 63 - __builtin_clzll((uint64_t)n);
    int64_t mantissa = whole > 16 ? n >> (whole - 16) : n << (16 - whole);
    int32_t eighth = 4 * (STEP8[4] <= mantissa);
    eighth += 2 * (STEP8[eighth + 2] <= mantissa);
    eighth += STEP8[eighth + 1] <= mantissa;
    return 8 * whole + eighth;
}

static int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

typedef struct mixture {
    int64_t weight[LOGISTICS], width[LOGISTICS], middle[LOGISTICS], parametric, total; /* width and middle in sixteenths of a step */
    const int32_t *cumulative;
} mixture;

/* How far the nearest neighbours lie from their mean and from the prediction, and this from that. */
static void look_at_neighbours(const core_site *sites, const int32_t *near, int32_t c, int64_t step, int64_t predicted, int64_t *features, int64_t *apart) {
    int64_t spread = 0, off = 0;
    int32_t count = 0, sum = 0;
    for (; count < CORE_NEAREST && near[count] >= 0; count++) sum += sites[near[count]].value[c];
    int32_t mean = count == 0 ? 0 : sum / count - (sum % count < 0);
    for (int32_t k = 0; k < count; k++) {
        spread += magnitude(sites[near[k]].value[c] - mean);
        off += magnitude(sites[near[k]].value[c] - predicted);
    }
    features[1] = eighths_of(1 + quotient(spread << 20, max32(count, 1) * step));
    features[2] = eighths_of(1 + quotient(off << 20, max32(count, 1) * step));
    int64_t difference = (mean - predicted) * (1 << 20);
    int64_t moved = difference < 0 ? -quotient(step - 1 - difference, step) : quotient(difference, step);
    *apart = count == 0 ? 0 : min64(max64(moved, -FARTHEST), FARTHEST);
}

static void make_mixture(const chroma_place *p, const core_tables *tables, const int32_t *cumulative, mixture *m) {
    int32_t which = p->channel - 1;
    int64_t features[FEATURES] = {0}, moves[3] = {0}, outputs[OUTPUTS];
    int64_t predicted = min64(max64(p->prediction * p->step >> 16, -(1 << 20)), 1 << 20);
    features[0] = eighths_of(max64(quotient(64 * tables->distance[p->channel], tables->number[p->channel]), 1));
    look_at_neighbours(p->sites, p->near, p->channel, p->step, predicted, features, moves);
    features[3] = 8 * p->level;
    for (int32_t c = 0; c < p->channel; c++) {
        features[4 + c] = eighths_of(1 + 4 * min64(magnitude(p->before[c]), LARGEST));
        moves[1 + c] = 16 * min64(max64(p->before[c], -20), 20);
    }
    for (int32_t k = 0; k < OUTPUTS; k++) {
        int64_t sum = 0;
        for (int32_t i = 0; i < FEATURES; i++) sum += SLOPES[which][k][i] * features[i];
        outputs[k] = STARTS[which][k] + (sum >> 6);
    }
    m->parametric = m->total = weight_of(48);
    m->cumulative = cumulative;
    for (int32_t k = 0; k < LOGISTICS; k++) {
        const int32_t *move = MOVES[which][k];
        m->width[k] = eighths_power((int32_t)outputs[k], 111) >> 16;
        m->weight[k] = weight_of(48 + (int32_t)outputs[LOGISTICS + k]);
        m->middle[k] = min64(max64((move[0] * moves[0] + move[1] * moves[1] + move[2] * moves[2]) >> 6, -FARTHEST), FARTHEST);
        m->total += m->weight[k];
    }
}

static int64_t share_below(int64_t x, int64_t width) {
    int64_t u = min64(quotient(1024 * magnitude(x), width), 256 * QUARTERS), k = u >> 8;
    int64_t share = SIGMOID[k] + ((SIGMOID[k + 1] - SIGMOID[k]) * (u & 255) >> 8);
    return x < 0 ? TOTAL - share : share;
}

/* f[0] + ... + f[s - 1] */
static int32_t cumulative_of(const mixture *m, int32_t s) {
    int64_t sum = m->parametric * m->cumulative[s];
    for (int32_t k = 0; k < LOGISTICS && s > 0; k++)
        sum += m->weight[k] * (s >= ESCAPE ? TOTAL : share_below(16 * s + LOWEST - m->middle[k], m->width[k]));
    return s + (int32_t)quotient(sum * (TOTAL - CORE_RESIDUALS), m->total << 16);
}

static int32_t code_mixture(coder *r, const mixture *m, int32_t *symbol) {
    if (r->writer != NULL) {
        int32_t low = cumulative_of(m, *symbol);
        coder_write(r, low, cumulative_of(m, *symbol + 1) - low);
        return CORE_OK;
    }
    int32_t place = coder_place(r), first = 0, end = CORE_RESIDUALS, low = 0, high = TOTAL;
    if (place < 0) return CORE_IMPOSSIBLE_CODE;
    while (end - first > 1) { /* most residuals are 0 */
        int32_t middle = first < RESIDUAL_RADIUS && end > ESCAPE ? RESIDUAL_RADIUS : first == RESIDUAL_RADIUS && end > ESCAPE ? first + 1 : (first + end) >> 1;
        int32_t between = cumulative_of(m, middle);
        if (between <= place)
            first = middle, low = between;
        else
            end = middle, high = between;
    }
    coder_take(r, low, high - low);
    *symbol = first;
    return CORE_OK;
}

/* The residual of U or V of one Gaussian, and its 16 bits if it has no symbol. */
int32_t code_chroma(coder *r, core_tables *tables, chroma_batches *b, const chroma_place *p, int32_t *residual) {
    int32_t which = p->channel - 1, symbol = r->writer == NULL ? 0 : *residual + RESIDUAL_RADIUS, folded = 0;
    int64_t *counts = tables->residuals[p->channel], *distance = tables->distance + p->channel, *number = tables->number + p->channel;
    mixture m;
    if (b->left[which]-- == 0) {
        make_parametric_table(counts, *distance, *number, b->cumulative[which]);
        b->left[which] = max64(FIRST_BATCH, b->seen[which] / 4) - 1;
    }
    make_mixture(p, tables, b->cumulative[which], &m);
    if (r->writer != NULL && (symbol < 0 || symbol >= ESCAPE)) {
        folded = (int32_t)((uint32_t)*residual << 1) ^ -(*residual < 0);
        symbol = ESCAPE;
    }
    if (code_mixture(r, &m, &symbol) != CORE_OK) return CORE_IMPOSSIBLE_CODE;
    counts[symbol] += INCREMENT;
    *distance += magnitude(symbol - RESIDUAL_RADIUS);
    *number += 1;
    b->seen[which]++;
    *residual = symbol - RESIDUAL_RADIUS;
    if (symbol != ESCAPE) return CORE_OK;
    if (code_uniform(r, 16, (symbols){&folded, NULL, 1, 1}) != CORE_OK) return CORE_IMPOSSIBLE_CODE;
    *residual = (folded >> 1) ^ -(folded & 1);
    return magnitude(*residual) <= RESIDUAL_RADIUS ? CORE_NEEDLESS_ESCAPE : CORE_OK;
}
