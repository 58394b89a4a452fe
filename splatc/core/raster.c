/* The rasterizer: adds up the Gaussians of a tile, blends, averages, rounds (spec/picture.md). Compiled once for each instruction set.

   Whatever the set, a column of samples is computed by the same operations in the same order, none of them fused: a sample is the same to the last
   bit everywhere. Tiles lie on a grid fixed to the view and Gaussians are placed relative to their tile, so it does not depend on the region either.

   The sums of a tile lie in blocks of 16 columns; in a block row by row, in a row plane by plane: what a Gaussian adds down a block lies together.
   Down a block the weight follows a recurrence: w(y + 1) = w(y) R(y), R(y + 1) = R(y) Q; one exponential a block instead of one a sample. Blocks where a
   factor could leave the range of float32 (thin, slanted Gaussians) take the exponential at every row. */
#include "internal.h"
#include "lanes.h"

#define DRAW_TILE AT_LEVEL(draw_tile)
#define ADD_GRIDS AT_LEVEL(add_grids)

enum { BLOCK = 16, HEIGHT = CORE_TILE_HEIGHT };

static const float CUTOFF = 0.002187491118f;  /* exp(-12.25 / 2) */
static const float T_END = -8.836507188f;  /* log2 of it */
static const float T_SMOOTH = -100.0f;     /* 2^-100 is a normal float32, with room for the ratio of two rows */
static const float EPSILON = 1e-4f;
static const float COLUMNS[16] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }

/* dy of the lower (side = 1) or upper (side = -1) end of the ellipse where a Gaussian ends, above dx. */
static inline float boundary(const core_placed *p, float dx, float side) {
    float discriminant = p->b * p->b * dx * dx - 4.0f * p->c * (p->a * dx * dx - T_END);
    return (-p->b * dx - side * __builtin_sqrtf(most(discriminant, 0.0f))) / (2.0f * p->c);
}

typedef struct rows { /* of a block that a Gaussian touches */
    int64_t first, last; /* one past the last */
    int32_t smooth;      /* the weight stays a normal float all over the block: t is concave, its minimum lies at a corner */
} rows;

/* `x`, `y`: the mean, relative to the tile; `left`: the first column of the block. */
static inline rows rows_of(const core_placed *p, float x, float y, int64_t left, int64_t height) {
    float first_dx = (float)left + 0.5f - x, last_dx = first_dx + (BLOCK - 1);
    float low = most(first_dx, -p->extent_x), high = least(last_dx, p->extent_x);
    float apex = -p->b / (2.0f * p->a) * p->extent_y; /* the ellipse is widest downwards at dx = apex, upwards at dx = -apex */
    float bottom = boundary(p, least(most(apex, low), high), 1.0f), top = boundary(p, least(most(-apex, low), high), -1.0f);
    rows r;
    r.first = max64(ceil64((double)(y + top - 0.5f)), 0);
    r.last = min64(floor64((double)(y + bottom - 0.5f)) + 1, height);
    float y0 = (float)r.first + 0.5f - y, y1 = (float)r.last - 0.5f - y;
    float upper = least((p->a * first_dx + p->b * y0) * first_dx, (p->a * last_dx + p->b * y0) * last_dx) + p->c * y0 * y0;
    float lower = least((p->a * first_dx + p->b * y1) * first_dx, (p->a * last_dx + p->b * y1) * last_dx) + p->c * y1 * y1;
    r.smooth = least(upper, lower) > T_SMOOTH;
    return r;
}

/* Far from the mean of a thin, slanted Gaussian the terms of a dx^2 + b dx dy + c dy^2 cancel; -(u^2 + v^2) keeps its digits. */
static inline vec weights_at(const core_placed *p, vec dx, float dy) {
    vec u = p->u_x * dx + p->u_y * dy, v = p->v_x * dx + p->v_y * dy;
    return exp2_of(-(u * u + v * v));
}

static inline void add_weights(float *sums, vec w, const float *feature, const int32_t planes) {
    vec part = positive_part(w - CUTOFF);
    for (int32_t k = 0; k < planes; k++) *(vec *)(sums + k * BLOCK) += part * feature[k];
}

/* Adds LANES columns of a Gaussian to the sums, which stand at its first row; `dx` of the columns. */
static inline void add_columns(float *sums, const core_placed *p, vec dx, float y, rows r, const int32_t planes) {
    float dy = (float)r.first + 0.5f - y;
    vec w = weights_at(p, dx, dy);
    if (!r.smooth) {
        for (int64_t row = r.first; row < r.last; row++, sums += planes * BLOCK) {
            add_weights(sums, w, p->feature, planes);
            w = weights_at(p, dx, (float)(row + 1) + 0.5f - y);
        }
        return;
    }
    vec ratio = exp2_of(p->b * dx + p->c * (2.0f * dy + 1.0f)), curve = exp2_of(splat(2.0f * p->c));
    for (int64_t row = r.first; row < r.last; row++, sums += planes * BLOCK) {
        add_weights(sums, w, p->feature, planes);
        w *= ratio;
        ratio *= curve;
    }
}

/* Adds a Gaussian to the `width` x `height` samples of a tile; `x`, `y`: its mean, relative to the tile. */
static inline void add_gaussian(float *sums, const core_placed *p, float x, float y, int64_t width, int64_t height, const int32_t planes) {
    int64_t first = max64(ceil64((double)(x - p->extent_x - 0.5f)), 0), last = min64(floor64((double)(x + p->extent_x - 0.5f)) + 1, width);
    for (int64_t left = first / BLOCK * BLOCK; left < last; left += BLOCK) {
        rows r = rows_of(p, x, y, left, height);
        if (r.first >= r.last) continue;
        float *block = sums + (left * HEIGHT + r.first * BLOCK) * planes;
        float first_dx = (float)left + 0.5f - x; /* rounded once a block, however many vectors that has */
        for (int32_t part = 0; part < BLOCK; part += LANES) add_columns(block + part, p, *(const vec *)(COLUMNS + part) + first_dx, y, r, planes);
    }
}

typedef struct tile { /* which grid points and output pixels it holds */
    int64_t number;
    int64_t left, top;     /* its first grid point */
    int64_t width, height; /* grid points that count */
    int64_t column, row;   /* its first output pixel */
} tile;

static int32_t add_members(const core_draw *t, const tile *here, float *sums, const int32_t planes) {
    for (int64_t k = t->starts[here->number]; k < t->starts[here->number + 1]; k++) {
        if ((k & 255) == 0 && stopped(t->stop)) return CORE_CANCELLED;
        int32_t i = t->members[k];
        if (i < 0 || i >= t->count) return CORE_INVALID;
        const core_placed *p = t->placed + i;
        add_gaussian(sums, p, (float)(p->x - (double)here->left), (float)(p->y - (double)here->top), here->width, here->height, planes);
    }
    return CORE_OK;
}

/* Sums -> samples, in place: the quotient of the normalized blend, clamped where they are averaged or rounded. */
static void blend(const core_draw *t, const tile *here, float *sums, int32_t planes) {
    int32_t clamped = t->view->samples > 1 || t->depth != 32;
    for (int64_t left = 0; left < here->width; left += BLOCK)
        for (int64_t y = 0; y < here->height; y++) {
            float *at = sums + (left * HEIGHT + y * BLOCK) * planes;
            for (int32_t lane = 0; lane < BLOCK; lane += LANES) {
                vec inverse = splat(1.0f);
                if (t->normalized) inverse /= *(vec *)(at + (planes - 1) * BLOCK + lane) + EPSILON;
                for (int32_t c = 0; c < t->channels; c++) {
                    vec *value = (vec *)(at + c * BLOCK + lane), sample = *value;
                    if (t->normalized) sample = (sample + EPSILON * t->background[c]) * inverse;
                    if (clamped) sample = at_most_one(positive_part(sample));
                    *value = sample;
                }
            }
        }
}

typedef struct line { /* a row of output pixels of a tile, channel by channel */
    float values[CORE_MAX_CHANNELS][CORE_TILE_WIDTH] __attribute__((aligned(64)));
} line;

/* Rounds a channel of a row. */
static void round_line(const float *values, float top, int32_t *rounded) {
    for (int32_t i = 0; i < CORE_TILE_WIDTH; i += LANES)
        *(ivec *)(rounded + i) = __builtin_convertvector(*(const vec *)(values + i) * top + 0.5f, ivec);
}

/* Writes bytes: the channels of a pixel are packed into one number first (little-endian), so that a pixel is one store. */
static void store_bytes(const line *row, int32_t channels, int64_t from, int64_t to, uint8_t *out) {
    int32_t rounded[CORE_TILE_WIDTH] __attribute__((aligned(64))), packed[CORE_TILE_WIDTH] __attribute__((aligned(64))) = {0};
    for (int32_t c = 0; c < channels; c++) {
        round_line(row->values[c], 255.0f, rounded);
        for (int32_t i = 0; i < CORE_TILE_WIDTH; i += LANES) *(ivec *)(packed + i) |= *(ivec *)(rounded + i) << 8 * c;
    }
    if (channels == 3) { /* four bytes at a time, of which the next pixel overwrites the last */
        for (int64_t i = from; i < to - 1; i++, out += 3) memcpy(out, packed + i, 4);
        memcpy(out, packed + to - 1, 3);
    } else if (channels == 4) {
        memcpy(out, packed + from, (size_t)(to - from) * 4);
    } else {
        for (int64_t i = from; i < to; i++, out += channels) memcpy(out, packed + i, channels == 1 ? 1 : 2);
    }
}

static void store_words(const line *row, int32_t channels, int64_t from, int64_t to, uint16_t *out) {
    int32_t rounded[CORE_TILE_WIDTH] __attribute__((aligned(64)));
    for (int32_t c = 0; c < channels; c++) {
        round_line(row->values[c], 65535.0f, rounded);
        for (int64_t i = from; i < to; i++) out[(i - from) * channels + c] = (uint16_t)rounded[i];
    }
}

static void store_floats(const line *row, int32_t channels, int64_t from, int64_t to, float *out) {
    for (int32_t c = 0; c < channels; c++)
        for (int64_t i = from; i < to; i++) out[(i - from) * channels + c] = row->values[c][i];
}

/* Writes the pixels from .. to - 1 of a row of a tile to the row and column of the output. */
static void store(const core_draw *t, const line *pixels, int64_t from, int64_t to, int64_t row, int64_t column) {
    int64_t at = (row * t->view->columns + column) * t->channels;
    if (from >= to) return;
    if (t->depth == 8)
        store_bytes(pixels, t->channels, from, to, (uint8_t *)t->out + at);
    else if (t->depth == 16)
        store_words(pixels, t->channels, from, to, (uint16_t *)t->out + at);
    else
        store_floats(pixels, t->channels, from, to, (float *)t->out + at);
}

/* The sum of some rows of samples of a channel. */
static void add_rows(const float *sums, int32_t planes, int32_t c, int64_t width, int64_t first, int64_t last, float *totals) {
    for (int64_t left = 0; left < width; left += BLOCK)
        for (int64_t lane = left; lane < left + BLOCK; lane += LANES) {
            const float *at = sums + (left * HEIGHT + first * BLOCK) * planes + c * BLOCK + lane - left;
            vec sum = *(const vec *)at;
            for (int64_t y = first + 1; y < last; y++) sum += *(const vec *)(at += planes * BLOCK);
            *(vec *)(totals + lane) = sum;
        }
}

/* One row of output pixels: each the mean of its samples, or the sample itself. */
static void average(const core_draw *t, const tile *here, const float *sums, int32_t planes, int64_t first, int64_t last, line *pixels) {
    int64_t n = t->view->samples, count = CORE_TILE_WIDTH / n;
    float totals[CORE_TILE_WIDTH] __attribute__((aligned(64)));
    for (int32_t c = 0; c < t->channels; c++) {
        add_rows(sums, planes, c, here->width, first, last, n == 1 ? pixels->values[c] : totals);
        for (int64_t i = 0; i < count && n > 1 && i * n < here->width; i++) {
            int64_t end = min64((i + 1) * n, here->width);
            float total = totals[i * n];
            for (int64_t u = i * n + 1; u < end; u++) total += totals[u];
            pixels->values[c][i] = total / (float)((last - first) * (end - i * n));
        }
    }
}

/* Writes the rows of the tile that are asked for. */
static void write_rows(const core_draw *t, const tile *here, const float *sums, int32_t planes) {
    const core_view *v = t->view;
    int64_t n = v->samples, pixels_x = CORE_TILE_WIDTH / n, pixels_y = HEIGHT / n;
    int64_t y0 = max64(here->row, v->top + t->first), y1 = min64(here->row + pixels_y, v->top + t->last);
    int64_t x0 = max64(here->column, v->left), x1 = min64(here->column + pixels_x, v->left + v->columns);
    line pixels;
    memset(&pixels, 0, sizeof pixels);
    for (int64_t y = y0; y < y1; y++) {
        int64_t first = (y - here->row) * n;
        average(t, here, sums, planes, first, min64(first + n, here->height), &pixels);
        store(t, &pixels, x0 - here->column, x1 - here->column, y - v->top - t->first, x0 - v->left);
    }
}

static int32_t add_planes(const core_draw *t, const tile *here, float *sums, int32_t planes) {
    switch (planes) { /* loops over a constant number of planes are worth it: 1.6 times as fast */
    case 1: return add_members(t, here, sums, 1);
    case 2: return add_members(t, here, sums, 2);
    case 3: return add_members(t, here, sums, 3);
    case 4: return add_members(t, here, sums, 4);
    default: return add_members(t, here, sums, 5);
    }
}

int32_t DRAW_TILE(const core_draw *t, int64_t number, int32_t worker);
int32_t DRAW_TILE(const core_draw *t, int64_t number, int32_t worker) {
    const core_view *v = t->view;
    int64_t pixels_x = CORE_TILE_WIDTH / v->samples, pixels_y = HEIGHT / v->samples;
    int32_t planes = t->channels + (t->normalized ? 1 : 0);
    float *sums = (float *)(void *)(t->workspace + worker * t->workspace_bytes);
    tile here = {.number = number};
    here.column = (v->tile_x + number % v->tiles_x) * pixels_x;
    here.row = (v->tile_y + number / v->tiles_x) * pixels_y;
    here.left = here.column * v->samples;
    here.top = here.row * v->samples;
    here.width = min64(pixels_x * v->samples, v->end_x - here.left);
    here.height = min64(pixels_y * v->samples, v->end_y - here.top);
    memset(sums, 0, (size_t)(CORE_TILE_WIDTH * HEIGHT * planes) * sizeof *sums);
    int32_t status = t->grids != NULL ? ADD_GRIDS(t, here.left, here.top, here.height, sums) : add_planes(t, &here, sums, planes);
    if (status != CORE_OK) return status;
    blend(t, &here, sums, planes);
    write_rows(t, &here, sums, planes);
    return CORE_OK;
}
