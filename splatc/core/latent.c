/* Latents: the stream of a tile -> whole numbers -> Gaussians (spec/latent.md).

   Most latents are 0. So what they say of others is spread when they are read, and only by those that are not 0: a tenth of the work of adding it up
   where it is needed. The synthesis is the same, cell by cell. Compiled once for each instruction set: twice as fast with 32 bytes a vector as with 16. */
#include "lanes.h"
#include "range.h"

enum {
    TABLES = CORE_LATENT_TABLES,
    LATENTS = CORE_LATENTS,
    LUMA = CORE_LATENT_LUMA,
    LOW = CORE_LATENT_LOW,
    MEANS = CORE_LATENT_MEANS,
    GROUP = 16, /* latents whose knowledge lies together */
    MOST_KNOWN = 1 << 14, /* from the first threshold to the last */
    AROUND = 9, /* cells around a cell, itself among them, by rows */
    LARGEST_IN_MEAN = 1023,
    LARGEST_IN_SCALE = 8,
    MEAN_BITS = 7,
    VALUE_BITS = 12,
    COLOUR_BITS = 10,
    LARGEST_VALUE = 32767,
    LARGEST_COLOUR = 4096,
    COARSE_LEVEL = 2,
    FINE_LEVEL = 1,
};

/* 2^(15 + k / 32) */
static const int32_t STEP32[32] = {32768, 33486, 34219, 34968, 35734, 36516, 37316, 38133, 38968, 39821, 40693, 41584, 42495, 43425, 44376, 45348,
                                   46341, 47356, 48393, 49452, 50535, 51642, 52773, 53928, 55109, 56316, 57549, 58809, 60097, 61413, 62757, 64132};

static int32_t clamped(int64_t value, int32_t most) { return value > most ? most : value < -most ? -most : (int32_t)value; }

static int32_t network_is_sound(const core_latent_network *network, int32_t q, int32_t latents) {
    if (network == NULL) return 0;
    for (int32_t i = 1; i < TABLES - 1; i++)
        if (network->thresholds[i] < network->thresholds[i - 1]) return 0;
    if ((int64_t)network->thresholds[TABLES - 2] - network->thresholds[0] >= MOST_KNOWN) return 0;
    return q >= 0 && q <= CORE_LATENT_MOST_Q && (latents == LUMA || latents == LATENTS);
}

/* ---- Stream -> latents ---- */

typedef int8_t group8 __attribute__((vector_size(GROUP), may_alias, aligned(1)));
typedef int16_t group16 __attribute__((vector_size(2 * GROUP), may_alias));
typedef int32_t group32 __attribute__((vector_size(4 * GROUP), may_alias));

typedef struct zero { /* the share of a residual of 0 in the code space */
    int32_t low, high;
} zero;

typedef struct reading {
    const core_latent_network *network;
    int32_t columns, rows, latents;
    /* What is known of each latent so far: (groups, cells, GROUP), so that a latent's of all cells lie near to one another, as do those of a cell that a
       latent speaks of. */
    int32_t *means, *scales;
    int32_t (*cumulative)[CORE_RESIDUALS + 1]; /* (TABLES) */
    zero *zeros; /* (TABLES) */
    uint8_t (*mean_groups)[AROUND]; /* (LATENTS) of which groups of means a latent of the cells around says anything: bits */
    uint8_t *tables; /* (MOST_KNOWN) the number of the table, of bias and what is known above the first threshold */
    int32_t bias[LATENTS];
} reading;

static int64_t take_reading(uint8_t *base, int64_t cells, reading *w) {
    arena a = {base, 0};
    w->means = arena_take(&a, cells * MEANS, sizeof *w->means);
    w->scales = arena_take(&a, cells * LATENTS, sizeof *w->scales);
    w->cumulative = arena_take(&a, TABLES, sizeof *w->cumulative);
    w->zeros = arena_take(&a, TABLES, sizeof *w->zeros);
    w->mean_groups = arena_take(&a, LATENTS, sizeof *w->mean_groups);
    w->tables = arena_take(&a, MOST_KNOWN, sizeof *w->tables);
    return a.used;
}

static int64_t reading_workspace(int32_t columns, int32_t rows) {
    reading w;
    if (columns < 1 || rows < 1 || columns > CORE_LATENT_TILE || rows > CORE_LATENT_TILE) return -1;
    return take_reading(NULL, (int64_t)columns * rows, &w);
}

/* Those among weights of means that are not all 0. */
static uint8_t groups_of(const int8_t *weights) {
    uint8_t groups = 0;
    for (int32_t d = 0; d < MEANS; d++)
        if (weights[d] != 0) groups = (uint8_t)(groups | 1 << d / GROUP);
    return groups;
}

static void begin(const core_latent_tile *task, reading *w) {
    int64_t cells = (int64_t)task->columns * task->rows;
    int32_t node = task->q / 16, part = task->q % 16;
    w->network = task->network;
    w->columns = task->columns;
    w->rows = task->rows;
    w->latents = task->latents;
    memset(w->means, 0, (size_t)(cells * MEANS) * sizeof *w->means);
    memset(w->scales, 0, (size_t)(cells * LATENTS) * sizeof *w->scales);
    for (int32_t c = 0; c < LATENTS; c++)
        w->bias[c] = ((16 - part) * task->network->bias[node][c] + part * task->network->bias[node + 1][c] + 8) >> 4;
    for (int32_t t = 0; t < TABLES; t++) {
        w->cumulative[t][0] = 0;
        for (int32_t s = 0; s < CORE_RESIDUALS; s++) w->cumulative[t][s + 1] = w->cumulative[t][s] + task->network->frequencies[t][s];
        w->zeros[t] = (zero){w->cumulative[t][RESIDUAL_RADIUS], w->cumulative[t][RESIDUAL_RADIUS + 1]};
    }
    for (int32_t c = 0; c < LATENTS; c++)
        for (int32_t j = 0; j < AROUND; j++) w->mean_groups[c][j] = groups_of(task->network->mean[c][j]);
    const int32_t *thresholds = task->network->thresholds;
    for (int32_t v = 0, table = 1; v < MOST_KNOWN; v++) {
        while (table < TABLES - 1 && thresholds[table] - thresholds[0] <= v) table++;
        w->tables[v] = (uint8_t)table;
    }
}

/* Which of those that have a mean a latent is, or the first of them after it. */
static int32_t number_of(int32_t channel) { return min32(channel, LOW) + max32(channel - LUMA, 0); }

static int64_t place_of(const reading *w, int64_t cell, int32_t number) {
    return (number / GROUP * ((int64_t)w->columns * w->rows) + cell) * GROUP + number % GROUP;
}

/* The number of the table with which a latent of a cell is coded: how many thresholds are at most v. */
static inline int32_t table_for(const reading *w, int64_t cell, int32_t channel) {
    int64_t above = (int64_t)w->bias[channel] + w->scales[place_of(w, cell, channel)] - w->network->thresholds[0];
    return above < 0 ? 0 : w->tables[min64(above, MOST_KNOWN - 1)];
}

static inline void add_products(int32_t *sums, const int8_t *weights, int32_t value) {
    *(group32 *)sums += __builtin_convertvector(*(const group8 *)weights, group32) * value;
}

/* Of 16 bits until they are added: at most 8 times a weight, and another one. */
static inline void add_scales(int32_t *sums, const int8_t *scale, const int8_t *any, int16_t value) {
    group16 words = __builtin_convertvector(*(const group8 *)scale, group16) * value + __builtin_convertvector(*(const group8 *)any, group16);
    *(group32 *)sums += __builtin_convertvector(words, group32);
}

/* Adds what a latent says of those around it that come later. */
static void spread(const reading *w, int32_t channel, int32_t row, int32_t column, int32_t latent) {
    int32_t in_mean = clamped(latent, LARGEST_IN_MEAN), in_scale = min32(latent < 0 ? -latent : latent, LARGEST_IN_SCALE);
    for (int32_t j = 0; j < AROUND; j++) {
        uint8_t groups = w->mean_groups[channel][j];
        int32_t y = row - (j / 3 - 1), x = column - (j % 3 - 1); /* of the cell for which it is number j of those around */
        if (y < 0 || x < 0 || y >= w->rows || x >= w->columns) continue;
        int64_t cell = (int64_t)y * w->columns + x;
        for (int32_t d = 0; groups >> d; d++)
            if (groups >> d & 1) add_products(w->means + place_of(w, cell, d * GROUP), w->network->mean[channel][j] + d * GROUP, in_mean);
        for (int32_t d = channel / GROUP * GROUP; d < w->latents; d += GROUP)
            add_scales(w->scales + place_of(w, cell, d), w->network->scale[channel][j] + d, w->network->any[channel][j] + d, (int16_t)in_scale);
    }
}

/* Whether the next residual is 0, which most are; then it is read. Without a division: what is in its share of the code space lies in that of the range. */
static inline int32_t read_zero(coder *r, zero share) {
    uint64_t scale = (r->range >> 24) << 8, low = scale * (uint64_t)share.low, size = scale * (uint64_t)(share.high - share.low);
    if (r->offset - low >= size) return 0;
    r->offset -= low;
    r->range = size;
    if (size >> 32 == 0) {
        r->range <<= 32;
        r->offset = r->offset << 32 | coder_word(r);
    }
    return 1;
}

static int32_t read_residual(coder *r, const int32_t *cumulative, int32_t *residual) {
    int32_t symbol = coder_likely_symbol(r, cumulative, CORE_RESIDUALS, RESIDUAL_RADIUS), number = 0;
    if (symbol < 0) return CORE_IMPOSSIBLE_CODE;
    *residual = symbol - RESIDUAL_RADIUS;
    if (symbol < ESCAPE) return CORE_OK;
    int32_t status = code_uniform(r, 16, (symbols){&number, NULL, 1, 1});
    if (status == CORE_OK && number < ESCAPE) return CORE_NEEDLESS_ESCAPE;
    *residual = number % 2 ? -(number + 1) / 2 : number / 2;
    return status;
}

/* Of the latent of a cell, rounded. */
static int32_t mean_of(const reading *w, int64_t cell, int32_t channel) {
    if (channel >= LOW && channel < LUMA) return 0;
    return (w->means[place_of(w, cell, number_of(channel))] + (1 << (MEAN_BITS - 1))) >> MEAN_BITS;
}

static int32_t read_latents(const core_latent_tile *task, reading *w) {
    coder r;
    int16_t *out = task->result;
    coder_start(&r, task->bytes, task->length, NULL);
    for (int32_t c = 0; c < w->latents; c++)
        for (int32_t row = 0; row < w->rows; row++) {
            if (stopped(task->stop)) return CORE_CANCELLED;
            for (int32_t column = 0; column < w->columns; column++) {
                int64_t cell = (int64_t)row * w->columns + column;
                int32_t residual = 0, table = table_for(w, cell, c);
                if (!read_zero(&r, w->zeros[table])) {
                    int32_t status = read_residual(&r, w->cumulative[table], &residual);
                    if (status != CORE_OK) return status;
                }
                int32_t latent = residual + mean_of(w, cell, c);
                if (latent < INT16_MIN || latent > INT16_MAX) return CORE_IMPOSSIBLE_CODE;
                *out++ = (int16_t)latent;
                if (latent != 0) spread(w, c, row, column, latent);
            }
        }
    return stream_ends_well(&r, 0) ? CORE_OK : CORE_WRONG_END;
}

static int32_t frequencies_are_sound(const core_latent_network *network) {
    for (int32_t t = 0; t < TABLES; t++) {
        int32_t total = 0;
        for (int32_t s = 0; s < CORE_RESIDUALS; s++) {
            if (network->frequencies[t][s] == 0) return 0;
            total += network->frequencies[t][s];
        }
        if (total != TOTAL) return 0;
    }
    return 1;
}

static int32_t decode_latents(const core_latent_tile *task) {
    reading w;
    int64_t needed = reading_workspace(task->columns, task->rows);
    if (needed < 0 || task->workspace_bytes < needed || (uintptr_t)task->workspace % 64 || task->length < 0) return CORE_INVALID;
    if (!network_is_sound(task->network, task->q, task->latents) || !frequencies_are_sound(task->network)) return CORE_INVALID;
    take_reading(task->workspace, (int64_t)task->columns * task->rows, &w);
    begin(task, &w);
    return read_latents(task, &w);
}

#if !defined(__wasm__)
static int32_t expect_latents(const core_latent_tile *task, const int16_t *latents, int32_t *means, uint8_t *tables) {
    reading w;
    int64_t needed = reading_workspace(task->columns, task->rows), at = 0;
    if (needed < 0 || task->workspace_bytes < needed || (uintptr_t)task->workspace % 64) return CORE_INVALID;
    if (!network_is_sound(task->network, task->q, task->latents)) return CORE_INVALID;
    take_reading(task->workspace, (int64_t)task->columns * task->rows, &w);
    begin(task, &w);
    for (int32_t c = 0; c < w.latents; c++)
        for (int32_t row = 0; row < w.rows; row++)
            for (int32_t column = 0; column < w.columns; column++, at++) {
                int64_t cell = (int64_t)row * w.columns + column;
                tables[at] = (uint8_t)table_for(&w, cell, c);
                means[at] = mean_of(&w, cell, c);
                if (latents[at] != 0) spread(&w, c, row, column, latents[at]);
            }
    return CORE_OK;
}
#endif

/* ---- Latents -> Gaussians ---- */

typedef struct values { /* of all cells, those around included */
    int16_t (*x)[LATENTS];
    uint16_t (*not_zero)[LATENTS / GROUP]; /* which of each group, bit by bit: few */
} values;

static int64_t take_values(uint8_t *base, int64_t cells, values *v) {
    arena a = {base, 0};
    v->x = arena_take(&a, cells, sizeof *v->x);
    v->not_zero = arena_take(&a, cells, sizeof *v->not_zero);
    return a.used;
}

static void make_values(const core_synthesis *task, values *v) {
    int64_t cells = (int64_t)(task->columns + 2) * (task->rows + 2);
    int64_t step = (int64_t)STEP32[task->q % 32] << (task->q / 32);
    take_values(task->workspace, cells, v);
    memset(v->not_zero, 0, (size_t)cells * sizeof *v->not_zero);
    for (int32_t c = 0; c < task->latents; c++) {
        int64_t gain = (step * task->network->gains[c] + (1 << 15)) >> 16, offset = c == 0 ? task->network->offset : 0;
        const int16_t *latents = task->values + c * cells;
        for (int64_t i = 0; i < cells; i++) {
            if (latents[i] == 0 && offset == 0) continue;
            v->x[i][c] = (int16_t)clamped(((latents[i] * gain + (1 << (VALUE_BITS - 1))) >> VALUE_BITS) + offset, LARGEST_VALUE);
            v->not_zero[i][c / GROUP] = (uint16_t)(v->not_zero[i][c / GROUP] | 1 << c % GROUP);
        }
    }
}

static int32_t is_busy(const core_synthesis *task, int64_t cell) {
    int64_t cells = (int64_t)(task->columns + 2) * (task->rows + 2);
    for (int32_t c = LOW; c < LUMA; c++)
        if (task->values[c * cells + cell] != 0) return 1;
    return 0;
}

typedef struct side { /* Gaussians a side of a cell, and the cells of their grid before its end */
    int32_t count, level;
    int64_t columns, rows;
} side;

static int32_t shown(int64_t first, int32_t count, int64_t end) { return (int32_t)max64(0, min64(count, end - first)); }

/* The sum of weights[d][j][g] x[d] of cell j, over all channels d from `first` on and cells j around the one at `cell`. */
static inline void add_weighted(const values *v, int64_t cell, int64_t pitch, int32_t first, int32_t channels, const int8_t *weights, const int32_t outputs,
                                int32_t *sums) {
    group32 total[LUMA / GROUP];
    memset(total, 0, sizeof total);
    for (int32_t j = 0; j < AROUND; j++) {
        int64_t near = cell + (j / 3 - 1) * pitch + j % 3 - 1;
        for (int32_t from = first; from < first + channels; from += GROUP)
            for (uint32_t left = v->not_zero[near][from / GROUP]; left != 0; left &= left - 1) {
                int32_t d = from + __builtin_ctz(left);
                const int8_t *row = weights + ((int64_t)(d - first) * AROUND + j) * outputs;
                for (int32_t k = 0; k < outputs / GROUP; k++)
                    total[k] += __builtin_convertvector(*(const group8 *)(row + k * GROUP), group32) * v->x[near][d];
            }
    }
    memcpy(sums, total, (size_t)outputs * sizeof *sums);
}

/* The Gaussians of one grid in one cell, whose sums (channels, count^2) are there; returns the number of the next. */
static int64_t put_gaussians(const core_synthesis *task, const side *s, int64_t column, int64_t row, const int32_t *sums, int64_t at) {
    int32_t channels = task->latents == LUMA ? 1 : 3, width = shown(column * s->count, s->count, s->columns);
    int32_t height = shown(row * s->count, s->count, s->rows);
    const core_columns *out = &task->gaussians;
    for (int32_t a = 0; a < height; a++)
        for (int32_t b = 0; b < width; b++, at++) {
            out->level[at] = s->level;
            out->x[at] = (int32_t)(column * s->count) + b;
            out->y[at] = (int32_t)(row * s->count) + a;
            out->log_scale[at] = out->aspect[at] = out->angle[at] = out->offset[at] = 0;
            for (int32_t k = 0; k < channels; k++) {
                int32_t sum = sums[(k * s->count + a) * s->count + b];
                out->colour[at * channels + k] = clamped(((int64_t)sum + (1 << (COLOUR_BITS - 1))) >> COLOUR_BITS, LARGEST_COLOUR);
            }
        }
    return at;
}

static void make_coarse(const core_synthesis *task, const values *v, int64_t cell, int32_t *sums) {
    const core_latent_network *n = task->network;
    add_weighted(v, cell, task->columns + 2, 0, LOW, &n->coarse_luma[0][0][0], LOW, sums);
    for (int32_t k = 1; k < 3 && task->latents == LATENTS; k++)
        add_weighted(v, cell, task->columns + 2, LUMA + (k - 1) * LOW, LOW, &n->coarse_chroma[0][0][0], LOW, sums + k * LOW);
}

static void make_fine(const core_synthesis *task, const values *v, int64_t cell, int32_t *sums) {
    const core_latent_network *n = task->network;
    add_weighted(v, cell, task->columns + 2, 0, LUMA, &n->fine_luma[0][0][0], LUMA, sums);
    for (int32_t k = 1; k < 3 && task->latents == LATENTS; k++)
        add_weighted(v, cell, task->columns + 2, LUMA + (k - 1) * LOW, LOW, &n->fine_chroma[0][0][0], LUMA, sums + k * LUMA);
}

static int64_t synthesis_workspace(int32_t columns, int32_t rows) {
    if (columns < 1 || rows < 1 || columns > CORE_LATENT_TILE || rows > CORE_LATENT_TILE) return -1;
    values v;
    return take_values(NULL, (int64_t)(columns + 2) * (rows + 2), &v);
}

static int32_t synthesis_is_sound(const core_synthesis *task) {
    int64_t needed = synthesis_workspace(task->columns, task->rows), most = MAX_POSITION_CELLS;
    if (needed < 0 || task->workspace_bytes < needed || (uintptr_t)task->workspace % 64 || !network_is_sound(task->network, task->q, task->latents)) return 0;
    if (task->column < 0 || task->row < 0 || task->column > most || task->row > most || task->width < 1 || task->height < 1) return 0;
    return task->width <= 1 << 20 && task->height <= 1 << 20 && task->least_level >= 0;
}

/* Goes through the cells of one grid: counts its Gaussians, or makes them from number `at` on. */
static int64_t through(const core_synthesis *task, int32_t fine, const values *v, int64_t at) {
    int32_t sums[3 * LUMA], count = fine ? 8 : 4, level = fine ? FINE_LEVEL : COARSE_LEVEL, pitch = 16 / count;
    side s = {count, level, (task->width + pitch - 1) / pitch, (task->height + pitch - 1) / pitch};
    if (level < task->least_level) return at;
    for (int32_t i = 0; i < task->rows; i++)
        for (int32_t j = 0; j < task->columns; j++) {
            int64_t cell = (int64_t)(i + 1) * (task->columns + 2) + j + 1, column = task->column + j, row = task->row + i;
            if (fine && !is_busy(task, cell)) continue;
            if (v == NULL) {
                at += shown(column * count, count, s.columns) * shown(row * count, count, s.rows);
                continue;
            }
            fine ? make_fine(task, v, cell, sums) : make_coarse(task, v, cell, sums);
            at = put_gaussians(task, &s, column, row, sums, at);
        }
    return at;
}

static int32_t synthesize(core_synthesis *task) {
    if (!synthesis_is_sound(task)) return CORE_INVALID;
    values v;
    task->count = through(task, 1, NULL, through(task, 0, NULL, 0));
    if (task->count > task->room) return CORE_TOO_SMALL;
    make_values(task, &v);
    through(task, 1, &v, through(task, 0, &v, 0));
    return CORE_OK;
}

/* ---- Latents -> grids ---- */

/* Colours of a cell and a grid, cut off: (channels, count^2) */
static void put_colours(const int32_t *sums, int32_t count, int16_t *colours) {
    for (int32_t i = 0; i < count; i++) colours[i] = (int16_t)max32(min32((sums[i] + (1 << (COLOUR_BITS - 1))) >> COLOUR_BITS, LARGEST_COLOUR), -LARGEST_COLOUR);
}

static int32_t synthesize_grids(const core_synthesis *task, const core_grids *grids) {
    if (!synthesis_is_sound(task) || !grids_are_sound(grids, task->latents == LUMA ? 1 : 3)) return CORE_INVALID;
    int64_t across = task->column - grids->column, down = task->row - grids->row;
    if (across < 0 || down < 0 || task->columns > grids->columns - across || task->rows > grids->rows - down) return CORE_INVALID;
    values v;
    int32_t sums[3 * LUMA], channels = task->latents == LUMA ? 1 : 3;
    make_values(task, &v);
    for (int32_t i = 0; i < task->rows; i++)
        for (int32_t j = 0; j < task->columns; j++) {
            int64_t cell = (int64_t)(i + 1) * (task->columns + 2) + j + 1, place = (down + i) * grids->columns + across + j;
            int32_t number = grids->numbers[place];
            if (number >= grids->busy) return CORE_INVALID;
            if (number == CORE_NO_CELL) continue;
            make_coarse(task, &v, cell, sums);
            put_colours(sums, channels * LOW, grids->coarse + place * channels * LOW);
            if (number < 0) continue;
            make_fine(task, &v, cell, sums);
            put_colours(sums, channels * LUMA, grids->fine + (int64_t)number * channels * LUMA);
        }
    return CORE_OK;
}

const latent_functions AT_LEVEL(latents) = {
    .reading_workspace = reading_workspace, .decode = decode_latents, .synthesis_workspace = synthesis_workspace, .synthesize = synthesize,
    .synthesize_grids = synthesize_grids,
#if !defined(__wasm__)
    .expect = expect_latents,
#endif
};
