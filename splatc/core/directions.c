/* Angles of a level where what lies around each Gaussian is known: one distribution from many (spec/draft.md, "Directions").

   Every number is an integer and every share of the code space a cumulative one, so that a symbol is found by bisection and no table is made for it. Widths:
   a weight is below 2^14 and there are eleven, so `total` is below 2^18; a share is at most 2^16, their sum over 2^16 is `total` at most; times 2^16 it is
   below 2^50, and the divisor below 2^34. Within `half_share` the dividend is below 2^15 2^11 2^10 = 2^36. */
#include "range.h"

enum {
    CIRCLE = 1536, /* units of pi: half a step of each number of directions is a whole number of them */
    HALF = CIRCLE / 2,
    HALF_SHARE = TOTAL / 2,
    PARTS = CORE_ANCHORS + 2, /* the anchors, then along x and along y */
};

/* In eighths of an octave, by how far away an anchor is; what is linear in the numbers of directions comes to it, in sixty-fourths: from
   tools/train_directions.py, which says how. */
static const int32_t ANCHOR_WEIGHT[8] = {28, 26, 30, 26, 17, 13, 13, -6}, ANCHOR_WIDTH[8] = {126, 122, 123, 127, 130, 134, 141, 97};

typedef struct part { /* of a mixture: around a direction, the likelier the nearer */
    int64_t weight, width;
    int64_t start, before; /* where the first step begins, from the direction on, -HALF .. HALF - 1; the share below it */
} part;

typedef struct mixture {
    part parts[PARTS];
    int32_t count, directions, turned; /* parts; M; the place of direction 0 in the table of residuals */
    int64_t uniform, residual, total;  /* weights of what is alike for all directions, of the table of residuals, of everything */
    const int32_t *cumulative;         /* of that table */
} mixture;

/* The share between a direction and x >= 0 beside it. */
static int64_t half_share(int64_t x, int64_t width) { return quotient(HALF_SHARE * (width + HALF) * x, HALF * (width + x)); }

static int64_t share_below(int64_t x, int64_t width) { return x < 0 ? HALF_SHARE - half_share(-x, width) : HALF_SHARE + half_share(x, width); }

static void add_part(mixture *m, int32_t direction, int32_t weight, int32_t width) {
    part *p = m->parts + m->count++;
    int32_t start = -HALF / m->directions - direction; /* > -CIRCLE - HALF */
    p->weight = weight_of(weight);
    p->width = eighths_power(width, 79) >> 16;
    p->start = start < -HALF ? start + CIRCLE : start;
    p->before = share_below(p->start, p->width);
    m->total += p->weight;
}

/* How far away, as the level of a Gaussian sees it: 0 .. 7. */
static int32_t distance_class(const core_site *a, const core_site *b, int32_t level) {
    int64_t dx = a->x - b->x, dy = a->y - b->y;
    int32_t bits = 63 - __builtin_clzll((uint64_t)(dx * dx + dy * dy) + 1);
    return min32(max32((bits >> 1) - level - 1, 0), 7);
}

static int32_t index_of(int32_t directions) {
    int32_t index = 0;
    while (ANGLE_COUNTS[index] < directions) index++;
    return index;
}

/* `around`: anchors, -1 where there are fewer, then the prediction. */
static void make_mixture(const core_site *sites, const core_site *here, int32_t level, int32_t directions, const int32_t *around,
                         const int32_t *cumulative, mixture *m) {
    int32_t i = index_of(directions), prediction = around[CORE_ANCHORS];
    m->count = 0, m->directions = directions, m->turned = prediction == 0 ? 0 : directions - prediction;
    m->cumulative = cumulative;
    m->uniform = weight_of(30 + (-39 * i >> 3));
    m->residual = weight_of(58 + (-7 * i >> 3));
    m->total = m->uniform + m->residual;
    for (int32_t k = 0; k < CORE_ANCHORS && around[k] >= 0; k++) {
        const core_site *other = sites + around[k];
        int32_t j = index_of(other->directions), d = distance_class(here, other, level);
        add_part(m, other->angle * (CIRCLE / other->directions), ANCHOR_WEIGHT[d] + ((14 * i + 15 * j) >> 3), ANCHOR_WIDTH[d] + ((-35 * i - 23 * j) >> 3));
    }
    add_part(m, 0, 3 + (15 * i >> 3), 61 + (-28 * i >> 3));
    add_part(m, HALF, 8 + (18 * i >> 3), 74 + (-31 * i >> 3));
}

/* f[0] + ... + f[s - 1] */
static int32_t cumulative_of(const mixture *m, int32_t s) {
    int32_t place = s + m->turned, across = CIRCLE / m->directions * s;
    int64_t below = place < m->directions ? m->cumulative[place] : TOTAL + m->cumulative[place - m->directions];
    int64_t sum = m->residual * (below - m->cumulative[m->turned]) + m->uniform * (TOTAL * s / m->directions);
    for (int32_t k = 0; k < m->count; k++) {
        const part *p = m->parts + k;
        int64_t x = p->start + across;
        sum += p->weight * ((x > HALF ? TOTAL + share_below(x - CIRCLE, p->width) : share_below(x, p->width)) - p->before);
    }
    return s + (int32_t)quotient(sum * (TOTAL - m->directions), m->total << 16);
}

static int32_t code_mixture(coder *r, const mixture *m, int32_t *angle) {
    if (r->writer != NULL) {
        int32_t low = cumulative_of(m, *angle);
        coder_write(r, low, cumulative_of(m, *angle + 1) - low);
        return CORE_OK;
    }
    int32_t place = coder_place(r), first = 0, end = m->directions, low = 0, high = TOTAL;
    if (place < 0) return CORE_IMPOSSIBLE_CODE;
    while (end - first > 1) {
        int32_t middle = (first + end) >> 1, between = cumulative_of(m, middle);
        if (between <= place)
            first = middle, low = between;
        else
            end = middle, high = between;
    }
    coder_take(r, low, high - low);
    *angle = first;
    return CORE_OK;
}

/* The angles of a level in coding order, each from all that come before it. */
int32_t code_directions(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, const surroundings *near,
                        const core_columns *out) {
    int32_t cumulative[16][CORE_DIRECTIONS + 1], own[CORE_AROUND];
    int64_t left[16] = {0}; /* of a batch (spec/coder.md, "Adaptive tables") */
    mixture m;
    for (int64_t i = 0; i < count; i++) {
        core_site *here = near->sites + near->first + i;
        int32_t directions = steps->directions[level][out->aspect[i]], index = index_of(directions);
        if (r->writer == NULL) here->directions = directions, here->angle = out->angle[i] = 0;
        if (directions == 1) continue;
        const int32_t *around = near->around + i * CORE_AROUND;
        if (r->writer == NULL) {
            find_anchors(near->sites, near->neighbours + i * CORE_NEIGHBOURS, directions, own);
            around = own;
        }
        if (left[index]-- == 0) {
            cumulate(tables->angles[index], directions, cumulative[index]);
            left[index] = max64(FIRST_BATCH, tables->angles_seen[index] / 4) - 1;
        }
        make_mixture(near->sites, here, level, directions, around, cumulative[index], &m);
        if (code_mixture(r, &m, out->angle + i) != CORE_OK) return CORE_IMPOSSIBLE_CODE;
        if (r->writer == NULL) here->angle = out->angle[i];
        int32_t residual = out->angle[i] - around[CORE_ANCHORS];
        tables->angles[index][residual < 0 ? residual + directions : residual] += INCREMENT;
        tables->angles_seen[index]++;
    }
    return CORE_OK;
}
