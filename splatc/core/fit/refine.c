/* Latents of a block of cells -> others that take fewer bits or show the picture better: coordinate descent, cell by cell (refine.h).

   Of each change of a latent the bits are exact, of all latents that are coded after it. Its error is the quadratic form of its cell, and what was chosen in
   a cell is drawn and compared: the sum of both never rises. */
#include "refine_internal.h"

enum { ROUNDS = 2 /* through the latents of a cell */ };

static int64_t take_block(uint8_t *base, block *b) {
    arena a = {base, 0};
    int64_t cells = SIDE * SIDE, pixels = (int64_t)PIXELS * PIXELS;
    b->table_of = arena_take(&a, TABLE_SPAN + 1, 1);
    b->scales = arena_take(&a, cells, sizeof *b->scales);
    b->means = arena_take(&a, cells, sizeof *b->means);
    b->bits = arena_take(&a, cells, sizeof *b->bits);
    b->y = arena_take(&a, cells, sizeof *b->y);
    b->busy = arena_take(&a, cells, 1);
    b->weight = arena_take(&a, pixels, sizeof(float));
    b->present = arena_take(&a, pixels, sizeof(float));
    for (int32_t plane = 0; plane < PLANES; plane++) {
        b->sums[plane] = arena_take(&a, pixels, sizeof(float));
        b->wanted[plane] = arena_take(&a, pixels, sizeof(float));
    }
    b->kept = arena_take(&a, PLANES + 1, sizeof *b->kept);
    return a.used;
}

int64_t core_refine_workspace(void) {
    block b;
    return take_block(NULL, &b);
}

/* Copies the latents of a block and around it from the picture, or those of the block into it. */
static void exchange(block *b, int32_t back) {
    const core_refinement *t = b->task;
    int64_t cells = b->rows * b->columns;
    for (int32_t i = 0; i < SIDE; i++)
        for (int32_t j = 0; j < SIDE; j++) {
            int64_t row = t->row - FAR + i, column = t->column - FAR + j;
            int32_t own = i >= FAR && j >= FAR && i < SIDE - FAR && j < SIDE - FAR;
            if (!is_inside(b, row, column) || (back && !own)) continue;
            for (int32_t c = 0; c < b->latents; c++) {
                int16_t *there = t->latents + c * cells + row * b->columns + column;
                if (back)
                    *there = b->y[i * SIDE + j][c];
                else
                    b->y[i * SIDE + j][c] = *there;
            }
        }
}

static int32_t plane_of(int32_t c) { return c < LUMA ? 0 : 1 + (c - LUMA) / LOW; }

/* The quadratic form of a plane of a cell: the products of what each pair of its latents draws. */
static const float *products_of(const block *b, int32_t i, int32_t j, int32_t plane, int32_t *count) {
    int32_t near = 0, own = b->busy[i * SIDE + j];
    for (int32_t k = 0; k < AROUND; k++) near += k != 4 && b->busy[nearest_cell(b, i + k / 3 - 1, j + k % 3 - 1)];
    const float *first = b->task->products + (2 * own + (near > 4)) * (LUMA * LUMA + LOW * LOW);
    *count = plane == 0 ? LUMA : LOW;
    return plane == 0 ? first : first + LUMA * LUMA;
}

typedef struct choice {
    int32_t latent;
    float gain; /* bits by which the sum falls */
} choice;

/* The best number for a latent whose error is `curve` d^2 - 2 `slope` d, in bits, d away from where it is. */
static choice best_number(const block *b, int32_t i, int32_t j, int32_t c, float curve, float slope) {
    int32_t now = b->y[i * SIDE + j][c];
    float real = (float)now + slope / curve, below = (float)floor64((double)real);
    choice best = {now, 0.0f};
    if (!(real > -30000.0f && real < 30000.0f)) return best;
    int32_t tried[4] = {(int32_t)below, (int32_t)below + 1, now > 0 ? now - 1 : now + (now < 0), 0};
    for (int32_t k = 0; k < 4; k++) {
        int32_t known = tried[k] == now;
        for (int32_t before = 0; before < k; before++) known |= tried[k] == tried[before];
        if (known) continue;
        float d = (float)(tried[k] - now), error = curve * d * d - 2.0f * slope * d;
        if (now == 0 && error > 0.0f) continue; /* what is not 0 seldom takes less */
        float gain = -error - rate_of_change(b, i, j, c, tried[k]);
        if (gain > best.gain) best = (choice){tried[k], gain};
    }
    return best;
}

/* Chooses the latents of a cell anew; returns by how many bits their rate falls. */
static float choose_latents(block *b, int32_t i, int32_t j) {
    float descent[LATENTS], fallen = 0.0f, worth = b->task->worth;
    int32_t busy = b->busy[i * SIDE + j];
    descent_of(b, i, j, descent);
    for (int32_t round = 0; round < ROUNDS; round++)
        for (int32_t c = 0; c < b->latents; c++) {
            if (!busy && c == LOW) c = LUMA;
            if (c >= b->latents) break;
            int32_t plane = plane_of(c), count, first = plane == 0 ? 0 : LUMA + (plane - 1) * LOW;
            const float *row = products_of(b, i, j, plane, &count) + (c - first) * count;
            float unit = b->gains[c], curve = row[c - first] * unit * unit;
            choice best = best_number(b, i, j, c, worth * curve, worth * descent[c]);
            float d = (float)(best.latent - b->y[i * SIDE + j][c]);
            if (d == 0.0f) continue;
            fallen -= rate_of_change(b, i, j, c, best.latent);
            change_latent(b, i, j, c, best.latent);
            for (int32_t e = 0; e < count; e++) descent[first + e] -= row[e] * unit * b->gains[first + e] * d;
        }
    return fallen;
}

static uint8_t is_busy(const block *b, int32_t i, int32_t j) {
    uint8_t busy = 0;
    for (int32_t c = LOW; c < LUMA; c++) busy |= b->y[i * SIDE + j][c] != 0;
    return busy;
}

/* Draws what has become of a cell. */
static void draw_cell(block *b, int32_t i, int32_t j, const int16_t *before) {
    draw_change(b, i, j, before);
    set_busy(b, i, j, is_busy(b, i, j));
}

/* Looks for better latents of a cell, with its fine grid as it is or the other way round; what is no better is taken back. */
static void refine_cell(block *b, int32_t i, int32_t j, int32_t other) {
    saved s;
    int32_t cell = i * SIDE + j;
    uint8_t busy = b->busy[cell];
    float fallen = 0.0f;
    double before = window_error(b, i, j);
    save_rates(b, i, j, &s);
    save_window(b, i, j);
    if (other && busy) {
        for (int32_t c = LOW; c < LUMA; c++)
            if (b->y[cell][c] != 0) {
                fallen -= rate_of_change(b, i, j, c, 0);
                change_latent(b, i, j, c, 0);
            }
        draw_cell(b, i, j, s.y);
    } else if (other) {
        set_busy(b, i, j, 1);
    }
    int16_t drawn[LATENTS];
    memcpy(drawn, b->y[cell], sizeof drawn);
    fallen += choose_latents(b, i, j);
    draw_cell(b, i, j, drawn);
    double gained = (double)fallen + (double)b->task->worth * (before - window_error(b, i, j));
    if (gained > 1e-3 * (1.0 + (double)b->task->worth * before * 1e-3)) return;
    restore_rates(b, i, j, &s);
    restore_window(b, i, j);
    b->busy[cell] = busy;
}

static void through_cells(block *b) {
    for (int32_t other = 0; other < 2; other++)
        for (int32_t i = FAR; i < SIDE - FAR; i++)
            for (int32_t j = FAR; j < SIDE - FAR; j++)
                if (is_inside(b, b->task->row - FAR + i, b->task->column - FAR + j)) refine_cell(b, i, j, other);
}

static int32_t task_is_sound(const core_refinement *t) {
    if (t->network == NULL || t->q < 0 || t->q > CORE_LATENT_MOST_Q || (t->channels != 1 && t->channels != 3)) return 0;
    if (t->width > 1 << 20 || t->height > 1 << 20 || t->row < 0 || t->column < 0) return 0;
    if (t->row % CORE_REFINE_BLOCK || t->column % CORE_REFINE_BLOCK || t->row * CELL >= t->height || t->column * CELL >= t->width) return 0;
    if ((t->most != 255 && t->most != 65535) || !(t->worth > 0.0f && t->worth < 1e30f)) return 0;
    return (int64_t)t->network->thresholds[CORE_LATENT_TABLES - 2] - t->network->thresholds[0] < TABLE_SPAN - 1;
}

int32_t core_refine(core_refinement *task) {
    block b;
    if (task->workspace_bytes < core_refine_workspace() || (uintptr_t)task->workspace % 64 || !task_is_sound(task)) return CORE_INVALID;
    take_block(task->workspace, &b);
    b.task = task;
    b.planes = task->channels;
    b.latents = task->channels == 1 ? LUMA : LATENTS;
    b.columns = (task->width + CELL - 1) / CELL;
    b.rows = (task->height + CELL - 1) / CELL;
    memcpy(b.gains, task->gains, sizeof b.gains);
    exchange(&b, 0);
    begin_rates(&b);
    begin_pixels(&b);
    if (!task->only_measured) through_cells(&b);
    task->error = 0.0;
    for (int32_t i = FAR; i < SIDE - FAR; i++)
        for (int32_t j = FAR; j < SIDE - FAR; j++) task->error += cell_error(&b, i, j); /* 0 outside of the picture */
    exchange(&b, 1);
    return CORE_OK;
}
