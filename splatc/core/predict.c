/* Angles and colours <-> residuals to what the neighbours predict (spec/prediction.md); integer arithmetic only, without overflow in 64 bits. */
#include "internal.h"

enum {
    ANGLE_NEIGHBOURS = 4, /* the nearest of them that has a direction predicts an angle */
    COLOUR_LIMIT = 1 << 20,
    SOFT = 48, /* added to 16 times the squared distance: neighbours that overlap weigh about alike */
};

/* cos(2 pi k / 64) over 2^14 */
static const int64_t COSINES[64] = {
    16384,  16305,  16069,  15679,  15137,  14449,  13623,  12665,  11585,  10394,  9102,  7723,  6270,  4756,  3196,  1606,
    0,      -1606,  -3196,  -4756,  -6270,  -7723,  -9102,  -10394, -11585, -12665, -13623, -14449, -15137, -15679, -16069, -16305,
    -16384, -16305, -16069, -15679, -15137, -14449, -13623, -12665, -11585, -10394, -9102, -7723, -6270, -4756, -3196, -1606,
    0,      1606,   3196,   4756,   6270,   7723,   9102,   10394,  11585,  12665,  13623, 14449,  15137, 15679,  16069, 16305,
};

/* floor(a / b) for b > 0 */
static int64_t floor_div(int64_t a, int64_t b) {
    int64_t quotient = a / b;
    return quotient - (a % b < 0);
}

static int64_t clamped(int64_t a, int64_t low, int64_t high) { return min64(max64(a, low), high); }

/* The number in -2^15 .. 2^15 - 1 that is equal to value modulo 2^16 */
static int32_t wrapped(int64_t value) { return (int32_t)(((value + 32768) & 65535) - 32768); }

void make_site_position(const core_steps *steps, const core_columns *columns, int64_t i, core_site *site) {
    int64_t step = steps->position[columns->level[i]];
    site->x = (int32_t)((2 * (int64_t)columns->x[i] + 1) * step >> 29);
    site->y = (int32_t)((2 * (int64_t)columns->y[i] + 1) * step >> 29);
    site->code = morton(site->x, site->y);
}

static int64_t part_of(int64_t difference, int64_t cosine) {
    return (difference >> 14) * cosine + ((difference & 16383) * cosine >> 14);
}

/* "Shape" of the text: the site knows its directions and its angle. */
static void make_site_shape(const core_steps *steps, int32_t level, int32_t log_scale, int32_t aspect, core_site *site) {
    int64_t eighths = 16 * level + 48 + 8 * (2 * log_scale + 1) / steps->log_scales; /* of log2 of g^2 */
    int64_t stretch = steps->log_aspect[aspect] * 2955 >> 24;                        /* of log2 of s1^2 / g^2 */
    int64_t long_axis = eighths + stretch, short_axis = eighths - stretch;
    int64_t large = STEP8[long_axis & 7] << max64(long_axis >> 3, 0) >> 16;
    int64_t small = STEP8[short_axis & 7] << max64(short_axis >> 3, 0) >> 16;
    int32_t sixty_fourth = (128 * site->angle + site->directions) / (2 * site->directions) & 63;
    int64_t half = (large + small) >> 1, difference = (large - small) >> 1;
    int64_t across = part_of(difference, COSINES[sixty_fourth]);
    site->xx = half + across;
    site->xy = part_of(difference, COSINES[(sixty_fourth - 16) & 63]);
    site->yy = half - across;
}

static void make_site_colour(const core_steps *steps, int32_t level, const int32_t *colour, core_site *site) {
    for (int32_t c = 0; c < steps->channels; c++)
        site->value[c] = (int32_t)clamped(colour[c] * steps->colour[level][c] >> 16, -COLOUR_LIMIT, COLOUR_LIMIT);
}

void make_site(const core_steps *steps, const core_columns *columns, int64_t i, core_site *site) {
    int32_t level = columns->level[i], aspect = columns->aspect[i];
    site->directions = steps->directions[level][aspect];
    site->angle = columns->angle[i];
    make_site_shape(steps, level, columns->log_scale[i], aspect, site);
    make_site_colour(steps, level, columns->colour + i * steps->channels, site);
}

/* What the neighbours predict of an angle. */
static int32_t predicted_angle(const core_site *sites, const int32_t *neighbours, int32_t directions) {
    for (int32_t k = 0; k < ANGLE_NEIGHBOURS && neighbours[k] >= 0; k++) {
        const core_site *other = sites + neighbours[k];
        if (other->directions > 1)
            return (2 * other->angle * directions + other->directions) / (2 * other->directions) % directions;
    }
    return 0;
}

void find_anchors(const core_site *sites, const int32_t *neighbours, int32_t directions, int32_t *around) {
    int32_t found = 0;
    for (int32_t k = 0; k < CORE_NEIGHBOURS && neighbours[k] >= 0 && found < CORE_ANCHORS; k++)
        if (sites[neighbours[k]].directions > 1) around[found++] = neighbours[k];
    while (found < CORE_ANCHORS) around[found++] = -1;
    around[CORE_ANCHORS] = predicted_angle(sites, neighbours, directions);
    memcpy(around + CORE_ANCHORS + 1, neighbours, CORE_NEAREST * sizeof *around);
}

/* 16 times the squared Mahalanobis distance under the sum of both covariances, at most 2^20. */
static int64_t distance_of(const core_site *a, const core_site *b) {
    int64_t xx = a->xx + b->xx, xy = a->xy + b->xy, yy = a->yy + b->yy;
    int64_t dx = a->x - b->x, dy = a->y - b->y;
    int32_t bits = 64 - __builtin_clzll((uint64_t)(xx + yy) | 1), shift = max32(bits - 19, 0) / 2; /* the least that leaves 20 bits */
    xx >>= 2 * shift, xy >>= 2 * shift, yy >>= 2 * shift;
    dx = dx < 0 ? -min64(-dx >> shift, 32767) : min64(dx >> shift, 32767);
    dy = dy < 0 ? -min64(-dy >> shift, 32767) : min64(dy >> shift, 32767);
    int64_t determinant = max64(xx * yy - xy * xy, 1);
    int64_t product = 16 * max64(dx * dx * yy - 2 * dx * dy * xy + dy * dy * xx, 0);
    return min64(product >> 52 ? product / determinant : quotient(product, determinant), 1 << 20);
}

typedef struct weights { /* of the neighbours of a Gaussian */
    int32_t count;
    int64_t near[CORE_NEIGHBOURS];  /* for luma and alpha */
    int64_t alike[CORE_NEIGHBOURS]; /* for chroma: also by how like they are in the channels before */
} weights;

static void weigh(const core_site *sites, const core_site *here, const int32_t *neighbours, weights *w) {
    for (w->count = 0; w->count < CORE_NEIGHBOURS && neighbours[w->count] >= 0; w->count++) {
        int64_t distance = SOFT + distance_of(here, sites + neighbours[w->count]);
        w->near[w->count] = max64(quotient((int64_t)1 << 40, distance * distance), 1);
        w->alike[w->count] = quotient((int64_t)1 << 35, distance);
    }
}

/* The colour index that the neighbours predict; `first` is that of a Gaussian without neighbours, over 2^16. */
static int64_t predicted_index(const core_site *sites, const int32_t *neighbours, const weights *w, int32_t c, int32_t chroma, int64_t step,
                               int64_t first) {
    const int64_t *weight = chroma ? w->alike : w->near;
    int64_t sum = 0, total = 0;
    for (int32_t k = 0; k < w->count; k++) {
        sum += weight[k] * sites[neighbours[k]].value[c];
        total += weight[k];
    }
    int64_t prediction = w->count ? floor_div(sum, total) : first;
    return floor_div(prediction * (1 << 17) + step, 2 * step);
}

/* What the channel c says of likeness. */
static void weigh_likeness(const core_site *sites, const core_site *here, const int32_t *neighbours, weights *w, int32_t c, int32_t chroma,
                           int64_t step) {
    int64_t unit = max64((chroma ? 1 : 4) * step >> 16, 1);
    for (int32_t k = 0; k < w->count; k++) {
        int64_t difference = sites[neighbours[k]].value[c] - here->value[c];
        int64_t apart = min64(quotient(16 * (difference < 0 ? -difference : difference), unit), 1 << 10), fall = 256 + apart * apart;
        w->alike[k] = max64(quotient(w->alike[k] << 16, fall * fall), 1);
    }
}

static int64_t first_colour(const core_steps *steps, int32_t c) {
    if (steps->chroma[c]) return 0;
    int32_t alpha = (steps->channels == 2 || steps->channels == 4) && c == steps->channels - 1;
    return alpha ? 1 << 16 : 1 << 15;
}

static int32_t predict_colour(const core_steps *steps, const core_site *sites, core_site *here, int64_t i, const int32_t *neighbours,
                              const gaussian_arrays *a, int32_t forward, const chroma_reader *chroma) {
    weights w;
    int32_t before[CORE_MAX_CHANNELS], channels = steps->channels;
    const int64_t *step = steps->colour[a->columns.level[i]];
    weigh(sites, here, neighbours, &w);
    for (int32_t c = 0; c < channels; c++) {
        int64_t index = predicted_index(sites, neighbours, &w, c, steps->chroma[c], step[c], first_colour(steps, c));
        int64_t at = i * channels + c;
        if (chroma != NULL && steps->chroma[c]) {
            chroma_place place = {.sites = sites, .near = neighbours, .before = before, .step = step[c], .prediction = wrapped(index),
                                  .channel = c, .level = a->columns.level[i]};
            int32_t status = code_chroma(chroma->coder, chroma->tables, chroma->batches, &place, a->residual.colour + at);
            if (status != CORE_OK) return status;
        }
        if (!forward) before[c] = a->residual.colour[at];
        if (forward)
            a->residual.colour[at] = wrapped(a->columns.colour[at] - index);
        else
            a->columns.colour[at] = wrapped(index + a->residual.colour[at]);
        here->value[c] = (int32_t)clamped(a->columns.colour[at] * step[c] >> 16, -COLOUR_LIMIT, COLOUR_LIMIT);
        if (channels > 2 && c < 2) weigh_likeness(sites, here, neighbours, &w, c, steps->chroma[c], step[c]);
    }
    return CORE_OK;
}

/* Makes the residuals (forward) or the angle and the colour (backward) of a Gaussian of which `here` has the position, and the rest of `here`. */
static void predict_one(const core_steps *steps, const core_site *sites, core_site *here, const int32_t *neighbours, int64_t i,
                        const gaussian_arrays *a, int32_t forward) {
    const core_columns *g = &a->columns;
    here->directions = steps->directions[g->level[i]][g->aspect[i]];
    int32_t prediction = predicted_angle(sites, neighbours, here->directions);
    if (forward)
        a->residual.angle[i] = (g->angle[i] - prediction + here->directions) % here->directions;
    else
        g->angle[i] = (prediction + a->residual.angle[i]) % here->directions;
    here->angle = g->angle[i];
    make_site_shape(steps, g->level[i], g->log_scale[i], g->aspect[i], here);
    predict_colour(steps, sites, here, i, neighbours, a, forward, NULL);
}

/* Makes the residuals of a Gaussian; `sites`, which others read meanwhile, have everything. */
void make_residual(const core_steps *steps, const core_site *sites, const int32_t *neighbours, int64_t i, const gaussian_arrays *a) {
    core_site here = sites[i];
    if (a->around != NULL) find_anchors(sites, neighbours, here.directions, a->around + i * CORE_AROUND);
    predict_one(steps, sites, &here, neighbours, i, a, 1);
}

/* Makes residuals (forward) or angles and colours (backward) of the Gaussians start .. start + count - 1, of which the neighbours (count,
   CORE_NEIGHBOURS) and in `sites` the positions are known, and of those before them everything. */
int32_t predict(const core_steps *steps, core_site *sites, const int32_t *neighbours, int64_t start, int64_t count, const gaussian_arrays *a,
                int32_t forward, const int32_t *stop) {
    for (int64_t i = start; i < start + count; i++, neighbours += CORE_NEIGHBOURS) {
        if ((i & 255) == 0 && stopped(stop)) return CORE_CANCELLED;
        predict_one(steps, sites, sites + i, neighbours, i, a, forward);
    }
    return CORE_OK;
}

void predict_angles(const core_steps *steps, const surroundings *near, int64_t count, const core_columns *g) {
    for (int64_t i = 0; i < count; i++) {
        core_site *here = near->sites + near->first + i;
        here->directions = steps->directions[g->level[i]][g->aspect[i]];
        int32_t prediction = predicted_angle(near->sites, near->neighbours + i * CORE_NEIGHBOURS, here->directions);
        here->angle = g->angle[i] = (prediction + g->angle[i]) % here->directions;
    }
}

int32_t predict_colours(const core_steps *steps, const surroundings *near, int64_t count, const core_columns *g, const chroma_reader *chroma,
                        const int32_t *stop) {
    gaussian_arrays arrays = {.columns = *g, .residual = {g->angle, g->colour}}; /* in place */
    for (int64_t i = 0; i < count; i++) {
        core_site *here = near->sites + near->first + i;
        if ((i & 255) == 0 && stopped(stop)) return CORE_CANCELLED;
        here->directions = steps->directions[g->level[i]][g->aspect[i]];
        here->angle = g->angle[i];
        make_site_shape(steps, g->level[i], g->log_scale[i], g->aspect[i], here);
        int32_t status = predict_colour(steps, near->sites, here, i, near->neighbours + i * CORE_NEIGHBOURS, &arrays, 0, chroma);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

int32_t in_range(const core_steps *steps, const core_columns *g, int64_t i) {
    int32_t level = g->level[i], aspect = g->aspect[i], log_scale = g->log_scale[i], x = g->x[i], y = g->y[i];
    if (level < 0 || level >= CORE_MAX_LEVELS || aspect < 0 || aspect >= CORE_ASPECTS || log_scale < 0 || log_scale >= steps->log_scales) return 0;
    if (x < 0 || y < 0 || x >= most_cells(steps, level) || y >= most_cells(steps, level)) return 0;
    for (const int32_t *colour = g->colour + i * steps->channels, *end = colour + steps->channels; colour < end; colour++)
        if (*colour < -32768 || *colour > 32767) return 0;
    return g->angle[i] >= 0 && g->angle[i] < steps->directions[level][aspect];
}

int32_t core_make_residuals(const core_predict *t) {
    if (!steps_are_sound(t->steps) || t->count > MAX_GAUSSIANS || t->first < 0 || t->first > t->count ||
        (uintptr_t)t->workspace % 64 || t->workspace_bytes < core_decode_workspace(t->count, t->count))
        return CORE_INVALID;
    arena a = {t->workspace, 0};
    search_buffers buffers;
    int32_t *order = arena_take(&a, t->count, sizeof(int32_t));
    take_search_buffers(&a, t->count - t->first, t->count, &buffers);
    for (int64_t i = 0; i < t->count; i++) {
        if (!in_range(t->steps, &t->columns, i)) return CORE_INVALID;
        make_site_position(t->steps, &t->columns, i, t->sites + i);
        if (i < t->first) make_site(t->steps, &t->columns, i, t->sites + i);
    }
    run chain[2] = {{0, t->first}, {t->first, t->count - t->first}};
    for (int32_t k = 0; k < 2; k++) sort_by_code(t->sites, chain[k].start, chain[k].count, order + chain[k].start, buffers.merged);
    find_neighbours(t->sites, order, chain, 2, &buffers, NULL);
    gaussian_arrays arrays = {t->columns, t->residual, NULL};
    return predict(t->steps, t->sites, buffers.neighbours, t->first, t->count - t->first, &arrays, 1, NULL);
}
