/* The picture of latents around a block of cells, as sums of weights times colours and of weights (blend 1 of spec/rendering.md), and its derivative.

   Colours are linear in the latents, a picture of given weights is linear in the colours: so all is sums of products. Rounding of colours is left out. */
#include "refine_internal.h"

static const float WEIGHT_UNIT = 1.0f / 1024.0f; /* colour index of a weight and a value of 1 */

typedef struct grid { /* the Gaussians of a cell */
    int32_t side, pitch, kernel, outputs;
    const float *weights; /* (kernel, kernel) px */
} grid;

static grid grid_of(const block *b, int32_t fine) {
    const float *kernels = b->task->kernels;
    grid coarse = {COARSE, CELL / COARSE, COARSE_KERNEL, COARSE * COARSE, kernels};
    grid small = {FINE, CELL / FINE, FINE_KERNEL, FINE * FINE, kernels + COARSE_KERNEL * COARSE_KERNEL};
    return fine ? small : coarse;
}

/* The first pixel of a cell. */
static int64_t origin(int32_t i, int32_t j) {
    return ((int64_t)(i - FAR + DRAWN) * CELL + COARSE_KERNEL) * PIXELS + (j - FAR + DRAWN) * CELL + COARSE_KERNEL;
}

/* Where the kernel of Gaussian g begins, relative to its cell. */
static int64_t corner(const grid *g, int32_t number, int64_t stride) {
    int32_t y = number / g->side * g->pitch + g->pitch / 2 - g->kernel / 2, x = number % g->side * g->pitch + g->pitch / 2 - g->kernel / 2;
    return y * stride + x;
}

/* Whether a Gaussian of a cell lies on the grid of the picture. */
static int32_t exists(const block *b, const grid *g, int32_t i, int32_t j, int32_t number) {
    int64_t y = (b->task->row - FAR + i) * g->side + number / g->side, x = (b->task->column - FAR + j) * g->side + number % g->side;
    return y * g->pitch < b->task->height && x * g->pitch < b->task->width;
}

static const int8_t *weights_of(const block *b, int32_t fine, int32_t plane) {
    const core_latent_network *n = b->task->network;
    if (plane == 0) return fine ? &n->fine_luma[0][0][0] : &n->coarse_luma[0][0][0];
    return fine ? &n->fine_chroma[0][0][0] : &n->coarse_chroma[0][0][0];
}

static int32_t first_of(int32_t plane) { return plane == 0 ? 0 : LUMA + (plane - 1) * LOW; }
static int32_t count_of(int32_t fine, int32_t plane) { return plane == 0 && fine ? LUMA : LOW; }

/* colours[g] += what values[d] of the cell that is number k of those around say */
static void add_colours(const block *b, int32_t fine, int32_t plane, int32_t k, const float *values, float *colours) {
    const int8_t *weights = weights_of(b, fine, plane);
    int32_t outputs = fine ? LUMA : LOW, first = first_of(plane);
    for (int32_t d = 0; d < count_of(fine, plane); d++) {
        float value = values[first + d] * WEIGHT_UNIT;
        if (value == 0.0f) continue;
        const int8_t *row = weights + ((int64_t)d * AROUND + k) * outputs;
        for (int32_t g = 0; g < outputs; g++) colours[g] += (float)row[g] * value;
    }
}

static void add_kernel(float *plane, const grid *g, float colour) {
    for (int32_t y = 0; y < g->kernel; y++)
        for (int32_t x = 0; x < g->kernel; x += 8)
            for (int32_t l = 0; l < 8; l++) plane[(int64_t)y * PIXELS + x + l] += g->weights[y * g->kernel + x + l] * colour;
}

static void add_cell(const block *b, float *plane, const grid *g, int32_t i, int32_t j, const float *colours, float factor) {
    for (int32_t number = 0; number < g->outputs; number++) {
        float colour = colours == NULL ? factor : colours[number] * factor;
        if (colour != 0.0f && exists(b, g, i, j, number)) add_kernel(plane + origin(i, j) + corner(g, number, PIXELS), g, colour);
    }
}

static void values_of(const block *b, int32_t cell, float *values) {
    for (int32_t c = 0; c < b->latents; c++) values[c] = (float)b->y[cell][c] * b->gains[c];
    values[0] += (float)b->task->network->offset;
}

/* Adds the Gaussians of one grid of a cell, or takes them away. */
static void add_gaussians(block *b, int32_t fine, int32_t i, int32_t j, float factor) {
    grid g = grid_of(b, fine);
    float colours[PLANES][LUMA] = {0}, values[LATENTS];
    for (int32_t k = 0; k < AROUND; k++) {
        values_of(b, nearest_cell(b, i + k / 3 - 1, j + k % 3 - 1), values);
        for (int32_t plane = 0; plane < b->planes; plane++) add_colours(b, fine, plane, k, values, colours[plane]);
    }
    for (int32_t plane = 0; plane < b->planes; plane++) add_cell(b, b->sums[plane], &g, i, j, colours[plane], factor);
    add_cell(b, b->weight, &g, i, j, NULL, factor);
}

static void take_pixel(block *b, int64_t at, int64_t row, int64_t column) {
    const core_refinement *t = b->task;
    int64_t first = (row * t->width + column) * b->planes;
    float samples[PLANES] = {0}, unit = 1024.0f / (float)t->most;
    for (int32_t k = 0; k < b->planes; k++)
        samples[k] = unit * (t->most > 255 ? (float)((const uint16_t *)t->pixels)[first + k] : (float)((const uint8_t *)t->pixels)[first + k]);
    b->present[at] = 1.0f;
    b->wanted[0][at] = samples[0];
    if (b->planes == 1) return;
    b->wanted[0][at] = (samples[0] + samples[1] + samples[2]) / 3.0f;
    b->wanted[1][at] = (samples[0] - samples[2]) / 2.449489742f;
    b->wanted[2][at] = (samples[0] - 2.0f * samples[1] + samples[2]) / 4.242640686f;
}

void begin_pixels(block *b) {
    const core_refinement *t = b->task;
    size_t size = (size_t)PIXELS * PIXELS * sizeof(float);
    int64_t top = (t->row - DRAWN) * CELL - COARSE_KERNEL, left = (t->column - DRAWN) * CELL - COARSE_KERNEL;
    memset(b->weight, 0, size);
    memset(b->present, 0, size);
    for (int32_t plane = 0; plane < b->planes; plane++) memset(b->sums[plane], 0, size), memset(b->wanted[plane], 0, size);
    for (int64_t row = max64(0, top); row < min64(t->height, top + PIXELS); row++)
        for (int64_t column = max64(0, left); column < min64(t->width, left + PIXELS); column++)
            take_pixel(b, (row - top) * PIXELS + column - left, row, column);
    for (int32_t i = FAR - DRAWN; i < SIDE - FAR + DRAWN; i++)
        for (int32_t j = FAR - DRAWN; j < SIDE - FAR + DRAWN; j++) {
            int32_t cell = i * SIDE + j;
            b->busy[cell] = 0;
            if (!is_inside(b, t->row - FAR + i, t->column - FAR + j)) continue;
            for (int32_t c = LOW; c < LUMA; c++) b->busy[cell] |= b->y[cell][c] != 0;
            add_gaussians(b, 0, i, j, 1.0f);
            if (b->busy[cell]) add_gaussians(b, 1, i, j, 1.0f);
        }
}

static int64_t window_of(int32_t i, int32_t j) { return origin(i, j) - FRAME * PIXELS - FRAME; }

/* 1 / the sum of weights, 0 outside of the picture. */
static float share_at(const block *b, int64_t at) { return b->present[at] / (b->weight[at] + 1e-9f); }

/* Squared differences in a square of some px a side. */
static double square_error(const block *b, int64_t first, int32_t side) {
    double total = 0.0;
    for (int32_t y = 0; y < side; y++) {
        float lanes[WINDOW] = {0};
        for (int32_t x = 0; x < side; x++) {
            int64_t at = first + (int64_t)y * PIXELS + x;
            float share = share_at(b, at);
            for (int32_t plane = 0; plane < b->planes; plane++) {
                float away = b->wanted[plane][at] - b->sums[plane][at] * share;
                lanes[x] += away * away;
            }
        }
        float sum = 0.0f;
        for (int32_t x = 0; x < side; x++) sum += lanes[x];
        total += (double)sum;
    }
    return total;
}

double window_error(const block *b, int32_t i, int32_t j) { return square_error(b, window_of(i, j), WINDOW); }
double cell_error(const block *b, int32_t i, int32_t j) { return square_error(b, origin(i, j), CELL); }

/* (WINDOW, WINDOW) differences times the share that a weight has of the pixel. */
static void make_slope(const block *b, int32_t plane, int64_t first, float *slope) {
    for (int32_t y = 0; y < WINDOW; y++)
        for (int32_t x = 0; x < WINDOW; x++) {
            int64_t at = first + (int64_t)y * PIXELS + x;
            float share = share_at(b, at);
            slope[y * WINDOW + x] = share * (b->wanted[plane][at] - b->sums[plane][at] * share);
        }
}

static float kernel_sum(const float *slope, const grid *g) {
    float lanes[8] = {0};
    for (int32_t y = 0; y < g->kernel; y++)
        for (int32_t x = 0; x < g->kernel; x += 8)
            for (int32_t l = 0; l < 8; l++) lanes[l] += g->weights[y * g->kernel + x + l] * slope[y * WINDOW + x + l];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* Adds what the Gaussians of one grid of a cell say of the latents of the cell that is number k of those around it. */
static void add_descent(const block *b, int32_t fine, int32_t plane, int32_t k, const float *slopes, float *descent) {
    const int8_t *weights = weights_of(b, fine, plane);
    int32_t outputs = fine ? LUMA : LOW, first = first_of(plane);
    for (int32_t d = 0; d < count_of(fine, plane); d++) {
        const int8_t *row = weights + ((int64_t)d * AROUND + k) * outputs;
        float lanes[8] = {0};
        for (int32_t g = 0; g < outputs; g += 8)
            for (int32_t l = 0; l < 8; l++) lanes[l] += (float)row[g + l] * slopes[g + l];
        float sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
        descent[first + d] += sum * WEIGHT_UNIT;
    }
}

void descent_of(const block *b, int32_t i, int32_t j, float *descent) {
    float slope[WINDOW * WINDOW], slopes[LUMA];
    int32_t own = i * SIDE + j;
    memset(descent, 0, LATENTS * sizeof *descent);
    for (int32_t plane = 0; plane < b->planes; plane++) {
        make_slope(b, plane, window_of(i, j), slope);
        for (int32_t n = 0; n < 2 * AROUND; n++) {
            int32_t fine = n >= AROUND, y = n % AROUND / 3 - 1, x = n % 3 - 1, cell = (i + y) * SIDE + j + x;
            if (!is_inside(b, b->task->row - FAR + i + y, b->task->column - FAR + j + x) || (fine && !b->busy[cell])) continue;
            grid g = grid_of(b, fine);
            const float *start = slope + (FRAME + y * CELL) * WINDOW + FRAME + x * CELL;
            for (int32_t number = 0; number < g.outputs; number++)
                slopes[number] = exists(b, &g, i + y, j + x, number) ? kernel_sum(start + corner(&g, number, WINDOW), &g) : 0.0f;
            for (int32_t k = 0; k < AROUND; k++)
                if (nearest_cell(b, i + y + k / 3 - 1, j + x + k % 3 - 1) == own) add_descent(b, fine, plane, k, slopes, descent);
        }
    }
    for (int32_t c = 0; c < b->latents; c++) descent[c] *= b->gains[c];
}

void draw_change(block *b, int32_t i, int32_t j, const int16_t *before) {
    float values[LATENTS];
    int32_t own = i * SIDE + j;
    for (int32_t c = 0; c < b->latents; c++) values[c] = (float)(b->y[own][c] - before[c]) * b->gains[c];
    for (int32_t n = 0; n < 2 * AROUND; n++) {
        int32_t fine = n >= AROUND, y = i + n % AROUND / 3 - 1, x = j + n % 3 - 1;
        if (!is_inside(b, b->task->row - FAR + y, b->task->column - FAR + x) || (fine && !b->busy[y * SIDE + x])) continue;
        grid g = grid_of(b, fine);
        for (int32_t plane = 0; plane < b->planes; plane++) {
            float colours[LUMA] = {0};
            for (int32_t k = 0; k < AROUND; k++)
                if (nearest_cell(b, y + k / 3 - 1, x + k % 3 - 1) == own) add_colours(b, fine, plane, k, values, colours);
            add_cell(b, b->sums[plane], &g, y, x, colours, 1.0f);
        }
    }
}

void set_busy(block *b, int32_t i, int32_t j, uint8_t busy) {
    if (b->busy[i * SIDE + j] == busy) return;
    b->busy[i * SIDE + j] = busy;
    add_gaussians(b, 1, i, j, busy ? 1.0f : -1.0f);
}

static void copy_window(block *b, int32_t i, int32_t j, int32_t back) {
    int64_t first = window_of(i, j);
    for (int32_t plane = 0; plane <= b->planes; plane++) {
        float *pixels = (plane < b->planes ? b->sums[plane] : b->weight) + first;
        for (int32_t y = 0; y < WINDOW; y++) {
            float *row = pixels + (int64_t)y * PIXELS, *kept = b->kept[plane] + y * WINDOW;
            memcpy(back ? row : kept, back ? kept : row, WINDOW * sizeof *row);
        }
    }
}

void save_window(block *b, int32_t i, int32_t j) { copy_window(b, i, j, 0); }
void restore_window(block *b, int32_t i, int32_t j) { copy_window(b, i, j, 1); }
