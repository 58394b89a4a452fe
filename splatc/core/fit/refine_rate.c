/* What latents take: the contexts of spec/latent.md, and by how much a change of one latent moves the bits of all that are coded after it. */
#include "refine_internal.h"

enum { LARGEST_IN_MEAN = 1023, LARGEST_IN_SCALE = 8, MEAN_BITS = 7 };

static int32_t in_mean(int32_t y) { return max32(-LARGEST_IN_MEAN, min32(LARGEST_IN_MEAN, y)); }
static int32_t in_scale(int32_t y) { return min32(y < 0 ? -y : y, LARGEST_IN_SCALE); }
static int32_t has_mean(int32_t c) { return c < LOW || c >= LUMA; }
static int32_t number_of(int32_t c) { return c < LOW ? c : c < LUMA ? LOW : c - LUMA + LOW; }

static inline float bits_of(const block *b, int32_t c, int32_t y, int32_t scale, int32_t mean_sum) {
    const int32_t *thresholds = b->task->network->thresholds;
    int32_t place = max32(0, min32(TABLE_SPAN, b->bias[c] + scale - thresholds[0] + 1));
    int32_t residual = has_mean(c) ? y - ((mean_sum + (1 << (MEAN_BITS - 1))) >> MEAN_BITS) : y;
    int32_t symbol = residual < -RESIDUAL_RADIUS || residual > RESIDUAL_RADIUS ? ESCAPE : residual + RESIDUAL_RADIUS;
    return b->task->costs[b->table_of[place] * CORE_RESIDUALS + symbol];
}

static float bits_now(const block *b, int32_t cell, int32_t c) {
    return bits_of(b, c, b->y[cell][c], b->scales[cell][c], has_mean(c) ? b->means[cell][number_of(c)] : 0);
}

/* Whether two cells are in one tile: latents of others are not known. */
static int32_t is_known(const block *b, int64_t row, int64_t column) {
    int64_t top = b->task->row / CORE_LATENT_TILE, left = b->task->column / CORE_LATENT_TILE;
    return is_inside(b, row, column) && row / CORE_LATENT_TILE == top && column / CORE_LATENT_TILE == left;
}

/* The cell for which (i, j) is number k of those around it; -1 if its latents do not depend on it. */
static int32_t listener(const block *b, int32_t i, int32_t j, int32_t k) {
    int32_t y = i - (k / 3 - 1), x = j - (k % 3 - 1);
    if (y < 0 || x < 0 || y >= SIDE || x >= SIDE) return -1;
    return is_known(b, b->task->row - FAR + y, b->task->column - FAR + x) ? y * SIDE + x : -1;
}

static void spread(block *b, int32_t i, int32_t j, int32_t c, int32_t mean, int32_t scale, int32_t any) {
    for (int32_t k = 0; k < AROUND; k++) {
        int32_t cell = listener(b, i, j, k);
        if (cell < 0) continue;
        const core_latent_network *n = b->task->network;
        for (int32_t d = number_of(c); d < MEANS; d++) b->means[cell][d] += n->mean[c][k][d] * mean;
        for (int32_t d = c; d < b->latents; d++) b->scales[cell][d] += n->scale[c][k][d] * scale + n->any[c][k][d] * any;
    }
}

static void make_tables(block *b) {
    const int32_t *thresholds = b->task->network->thresholds;
    int32_t table = 0;
    for (int32_t v = -1; v < TABLE_SPAN; v++) { /* of thresholds[0] + v */
        while (table < CORE_LATENT_TABLES - 1 && thresholds[table] - thresholds[0] <= v) table++;
        b->table_of[v + 1] = (uint8_t)table;
    }
}

void begin_rates(block *b) {
    const core_refinement *t = b->task;
    int32_t node = t->q / 16, part = t->q % 16;
    for (int32_t c = 0; c < LATENTS; c++)
        b->bias[c] = ((16 - part) * t->network->bias[node][c] + part * t->network->bias[node + 1][c] + 8) >> 4;
    make_tables(b);
    memset(b->scales, 0, SIDE * SIDE * sizeof *b->scales);
    memset(b->means, 0, SIDE * SIDE * sizeof *b->means);
    for (int32_t i = 0; i < SIDE; i++)
        for (int32_t j = 0; j < SIDE; j++) {
            if (!is_known(b, t->row - FAR + i, t->column - FAR + j)) continue;
            const int16_t *y = b->y[i * SIDE + j];
            for (int32_t c = 0; c < b->latents; c++)
                if (y[c] != 0) spread(b, i, j, c, in_mean(y[c]), in_scale(y[c]), 1);
        }
    for (int32_t cell = 0; cell < SIDE * SIDE; cell++)
        for (int32_t c = 0; c < b->latents; c++) b->bits[cell][c] = bits_now(b, cell, c);
}

float rate_of_change(const block *b, int32_t i, int32_t j, int32_t c, int32_t to) {
    const core_latent_network *n = b->task->network;
    int32_t own = i * SIDE + j, from = b->y[own][c], mean = in_mean(to) - in_mean(from);
    int32_t scale = in_scale(to) - in_scale(from), any = (to != 0) - (from != 0);
    float more = bits_of(b, c, to, b->scales[own][c], has_mean(c) ? b->means[own][number_of(c)] : 0) - b->bits[own][c];
    for (int32_t k = 0; k < AROUND; k++) {
        int32_t cell = listener(b, i, j, k);
        if (cell < 0) continue;
        for (int32_t d = c; d < b->latents; d++) {
            int32_t wider = n->scale[c][k][d] * scale + n->any[c][k][d] * any, shift = has_mean(d) ? n->mean[c][k][number_of(d)] * mean : 0;
            if (wider == 0 && shift == 0) continue;
            int32_t sum = has_mean(d) ? b->means[cell][number_of(d)] + shift : 0;
            more += bits_of(b, d, b->y[cell][d], b->scales[cell][d] + wider, sum) - b->bits[cell][d];
        }
    }
    return more;
}

void change_latent(block *b, int32_t i, int32_t j, int32_t c, int32_t to) {
    int32_t own = i * SIDE + j, from = b->y[own][c];
    b->y[own][c] = (int16_t)to;
    spread(b, i, j, c, in_mean(to) - in_mean(from), in_scale(to) - in_scale(from), (to != 0) - (from != 0));
    b->bits[own][c] = bits_now(b, own, c);
    for (int32_t k = 0; k < AROUND; k++) {
        int32_t cell = listener(b, i, j, k);
        if (cell < 0) continue;
        for (int32_t d = c; d < b->latents; d++) b->bits[cell][d] = bits_now(b, cell, d);
    }
}

void save_rates(const block *b, int32_t i, int32_t j, saved *s) {
    memcpy(s->y, b->y[i * SIDE + j], sizeof s->y);
    for (int32_t k = 0; k < AROUND; k++) {
        int32_t cell = (i + k / 3 - 1) * SIDE + j + k % 3 - 1;
        memcpy(s->scales[k], b->scales[cell], sizeof s->scales[k]);
        memcpy(s->means[k], b->means[cell], sizeof s->means[k]);
        memcpy(s->bits[k], b->bits[cell], sizeof s->bits[k]);
    }
}

void restore_rates(block *b, int32_t i, int32_t j, const saved *s) {
    memcpy(b->y[i * SIDE + j], s->y, sizeof s->y);
    for (int32_t k = 0; k < AROUND; k++) {
        int32_t cell = (i + k / 3 - 1) * SIDE + j + k % 3 - 1;
        memcpy(b->scales[cell], s->scales[k], sizeof s->scales[k]);
        memcpy(b->means[cell], s->means[k], sizeof s->means[k]);
        memcpy(b->bits[cell], s->bits[k], sizeof s->bits[k]);
    }
}
