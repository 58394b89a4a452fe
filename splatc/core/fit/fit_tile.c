/* A tile of a subset: its Gaussians are drawn, the difference to the samples becomes the gradient of their sums, and each adds up what lies under it.
   Compiled once for each instruction set.

   Sums lie row by row, in a row plane by plane. A block of 16 columns of a Gaussian begins at its first column, so most take one or two; blocks reach up to 15
   columns behind the tile, where there is room, and no gradient. Weights follow the recurrence of raster.c down a block (fit_walk.h). */
#include "fit_walk.h"

enum { SHAPE_SUMS = 5 };

static const float EPSILON = 1e-4f; /* weight of the background in the normalized blend */

typedef struct tile { /* which samples it holds */
    int64_t number, column, row;
    int64_t left, top, width, height;
} tile;

static tile tile_of(const core_fit *t, int64_t number) {
    int64_t across = (t->width + WIDTH - 1) / WIDTH;
    tile here = {.number = number, .column = number % across, .row = number / across};
    here.left = here.column * WIDTH;
    here.top = here.row * HEIGHT;
    here.width = min64(WIDTH, t->width - here.left);
    here.height = min64(HEIGHT, t->height - here.top);
    return here;
}

/* ---- What a Gaussian does in a block ---- */

static inline void draw_columns(float *sums, const core_fit_placed *p, vec dx, float dy, int64_t rows, int32_t smooth, const int32_t planes) {
    walk s = begin(p, dx, dy, smooth);
    for (int64_t row = 0; row < rows; row++, sums += planes * PITCH) {
        vec part = positive_part(s.w - CUTOFF);
        for (int32_t k = 0; k < planes; k++) store(sums + k * PITCH, load(sums + k * PITCH) + part * p->feature[k]);
        dy += 1.0f;
        go_on(&s, p, dx, dy, smooth);
    }
}

typedef struct totals { /* of a Gaussian in a tile, by column of its blocks */
    float sum[CORE_FIT_SUMS][BLOCK] __attribute__((aligned(64)));
} totals;

/* Adds what the gradient of the sums says under LANES columns; `at`: the first of them in the totals. */
static inline void gather_columns(const float *gradient, const core_fit_placed *p, vec dx, float dy, int64_t rows, int32_t smooth, totals *all, int32_t at,
                                  const int32_t planes) {
    walk s = begin(p, dx, dy, smooth);
    vec h0 = splat(0.0f), h1 = h0, h2 = h0, sums[CORE_MAX_PLANES];
    for (int32_t k = 0; k < planes; k++) sums[k] = load(all->sum[SHAPE_SUMS + k] + at);
    for (int64_t row = 0; row < rows; row++, gradient += planes * PITCH) {
        vec part = s.w - CUTOFF, dot = splat(0.0f);
        ivec above = part > splat(0.0f);
        part = (vec)((ivec)part & above);
        for (int32_t k = 0; k < planes; k++) {
            vec g = load(gradient + k * PITCH);
            sums[k] += part * g;
            dot += g * p->feature[k];
        }
        vec h = (vec)((ivec)s.w & above) * dot, h_dy = h * dy;
        h0 += h;
        h1 += h_dy;
        h2 += h_dy * dy;
        dy += 1.0f;
        go_on(&s, p, dx, dy, smooth);
    }
    vec h_dx = h0 * dx, shape[SHAPE_SUMS] = {h_dx, h1, h_dx * dx, h1 * dx, h2};
    for (int32_t k = 0; k < SHAPE_SUMS; k++) store(all->sum[k] + at, load(all->sum[k] + at) + shape[k]);
    for (int32_t k = 0; k < planes; k++) store(all->sum[SHAPE_SUMS + k] + at, sums[k]);
}

/* The same of a Gaussian of which only the colour moves. */
static inline void gather_colours(const float *gradient, const core_fit_placed *p, vec dx, float dy, int64_t rows, int32_t smooth, totals *all, int32_t at,
                                  const int32_t planes) {
    walk s = begin(p, dx, dy, smooth);
    vec sums[CORE_MAX_PLANES];
    for (int32_t k = 0; k < planes; k++) sums[k] = load(all->sum[SHAPE_SUMS + k] + at);
    for (int64_t row = 0; row < rows; row++, gradient += planes * PITCH) {
        vec part = positive_part(s.w - CUTOFF);
        for (int32_t k = 0; k < planes; k++) sums[k] += part * load(gradient + k * PITCH);
        dy += 1.0f;
        go_on(&s, p, dx, dy, smooth);
    }
    for (int32_t k = 0; k < planes; k++) store(all->sum[SHAPE_SUMS + k] + at, sums[k]);
}

/* Adds the rise of the squared error if the Gaussian were not there. Rows of `drawn`: colours, then the total weight; of `missing`: drawn minus wanted.
   Without it the normalized blend turns out into out + m (out - c), m = w / (W - w); a sum into out - w c. `within`: the columns of the tile.
   Or that of a loss to second order: then `missing` is half of its gradient and `bent` its curvature. */
static inline void judge_columns(const float *drawn, const float *missing, const float *bent, const core_fit_placed *p, vec dx, float dy, int64_t rows,
                                 int32_t smooth, ivec within, totals *all, int32_t at, const int32_t channels, const int32_t normalized, const int32_t of_loss) {
    walk s = begin(p, dx, dy, smooth);
    vec sum = load(all->sum[0] + at);
    int32_t planes = channels + normalized;
    for (int64_t row = 0; row < rows; row++, drawn += planes * PITCH, missing += channels * PITCH, bent += channels * PITCH) {
        vec m = positive_part(s.w - CUTOFF), across = splat(0.0f), squares = splat(0.0f);
        if (normalized) m /= load(drawn + channels * PITCH) - m;
        else m = -m;
        m = (vec)((ivec)m & within);
        for (int32_t c = 0; c < channels; c++) {
            vec change = splat(p->feature[c]);
            if (normalized) change = load(drawn + c * PITCH) - change;
            across += change * load(missing + c * PITCH);
            squares += of_loss ? load(bent + c * PITCH) * change * change : change * change;
        }
        sum += m * (2.0f * across + m * squares); /* (d + m change)^2 - d^2 */
        dy += 1.0f;
        go_on(&s, p, dx, dy, smooth);
    }
    store(all->sum[0] + at, sum);
}

/* ---- What a Gaussian does in a tile ---- */

enum { DO_DRAW, DO_GATHER, DO_GATHER_COLOURS, DO_JUDGE, DO_JUDGE_BY_LOSS };

typedef struct buffers {
    float *sums;      /* (HEIGHT, planes, PITCH) what is drawn, or the gradient of it */
    float *missing;   /* (HEIGHT, channels, PITCH) drawn minus wanted, or half of the gradient of a loss by what is drawn */
    float *bent;      /* (HEIGHT, channels, PITCH) its curvature */
    rows *remembered; /* (REMEMBERED) of the first blocks of a tile, in the order in which they are visited */
    int64_t visited;  /* blocks */
} buffers;

static inline void visit_block(const core_fit *t, const tile *here, const core_fit_placed *p, float x, float y, int64_t left, rows r, const buffers *b,
                               totals *all, const int32_t what, const int32_t planes) {
    float first_dx = (float)left + 0.5f - x, dy = (float)r.first + 0.5f - y;
    for (int32_t part = 0; part < BLOCK; part += LANES) {
        vec dx = *(const vec *)(COLUMNS + part) + first_dx;
        float *sums = b->sums + r.first * planes * PITCH + left + part;
        int32_t count = r.last - r.first;
        if (what == DO_DRAW) {
            if (r.smooth) draw_columns(sums, p, dx, dy, count, 1, planes);
            else draw_columns(sums, p, dx, dy, count, 0, planes);
        } else if (what == DO_GATHER) {
            if (r.smooth) gather_columns(sums, p, dx, dy, count, 1, all, part, planes);
            else gather_columns(sums, p, dx, dy, count, 0, all, part, planes);
        } else if (what == DO_GATHER_COLOURS) {
            gather_colours(sums, p, dx, dy, count, r.smooth, all, part, planes);
        } else {
            int64_t at = r.first * t->channels * PITCH + left + part;
            ivec within = *(const vec *)(COLUMNS + part) < splat((float)(here->width - left));
            judge_columns(sums, b->missing + at, b->bent + at, p, dx, dy, count, r.smooth, within, all, part, t->channels, t->normalized,
                          what == DO_JUDGE_BY_LOSS);
        }
    }
}

/* The first column of a Gaussian in a tile, and one past its last. */
static inline int32_t first_column(const tile *here, const core_fit_placed *p, float x) { return ceil_within(x - p->extent_x - 0.5f, here->width); }
static inline int32_t end_column(const tile *here, const core_fit_placed *p, float x) { return ceil_within(x + p->extent_x + 0.5f, here->width); }

/* As many blocks as visit() would look at. */
static inline void pass_by(const tile *here, const core_fit_placed *p, buffers *b) {
    float x = p->x - (float)here->left;
    int32_t columns = end_column(here, p, x) - first_column(here, p, x);
    b->visited += (columns + BLOCK - 1) / BLOCK;
}

/* All blocks of a Gaussian in a tile; what was drawn before, its blocks are remembered. */
static inline void visit(const core_fit *t, const tile *here, const core_fit_placed *p, buffers *b, totals *all, const int32_t what, const int32_t planes) {
    float x = p->x - (float)here->left, y = p->y - (float)here->top;
    int32_t first = first_column(here, p, x), last = end_column(here, p, x);
    for (int64_t left = first; left < last; left += BLOCK) {
        rows r;
        if (what != DO_DRAW && !is_drawn(t) && b->visited < REMEMBERED) r = b->remembered[b->visited];
        else r = rows_of(p, x, y, left, here->height);
        if (what == DO_DRAW && b->visited < REMEMBERED) b->remembered[b->visited] = r;
        b->visited++;
        if (r.first < r.last) visit_block(t, here, p, x, y, left, r, b, all, what, planes);
    }
}

/* Where the sums of Gaussian i in this tile lie. */
static inline float *sums_of(const core_fit *t, const tile *here, int64_t i) {
    const int32_t *box = t->boxes + 4 * i;
    int64_t entry = t->entry_starts[i] + (here->row - box[1]) * (box[2] - box[0]) + here->column - box[0];
    return t->sums + entry * CORE_FIT_SUMS;
}

static inline int32_t draw_members(const core_fit *t, const tile *here, buffers *b, const int32_t planes) {
    b->visited = 0;
    for (int64_t k = t->tile_starts[here->number]; k < t->tile_starts[here->number + 1]; k++) {
        if ((k & 255) == 0 && stopped(t->stop)) return CORE_CANCELLED;
        visit(t, here, t->placed + t->members[k], b, NULL, DO_DRAW, planes);
    }
    return CORE_OK;
}

static inline int32_t gather_members(const core_fit *t, const tile *here, buffers *b, const int32_t planes) {
    b->visited = 0;
    for (int64_t k = t->tile_starts[here->number]; k < t->tile_starts[here->number + 1]; k++) {
        if ((k & 255) == 0 && stopped(t->stop)) return CORE_CANCELLED;
        int64_t i = t->members[k];
        int32_t frozen = t->frozen[i], still = (frozen & CORE_FROZEN_SHAPE) == CORE_FROZEN_SHAPE;
        float *sums = sums_of(t, here, i);
        totals all;
        for (int32_t s = 0; s < CORE_FIT_SUMS * BLOCK; s += LANES) *(vec *)(all.sum[0] + s) = splat(0.0f);
        if (frozen == CORE_FROZEN_ALL && !is_costs(t)) pass_by(here, t->placed + i, b); /* no sums: it moves no more */
        else if (t->what == CORE_FIT_LOSS_COSTS) visit(t, here, t->placed + i, b, &all, DO_JUDGE_BY_LOSS, planes);
        else if (t->what == CORE_FIT_COSTS) visit(t, here, t->placed + i, b, &all, DO_JUDGE, planes);
        else if (still) visit(t, here, t->placed + i, b, &all, DO_GATHER_COLOURS, planes);
        else visit(t, here, t->placed + i, b, &all, DO_GATHER, planes);
        int32_t count = is_costs(t) ? 1 : SHAPE_SUMS + planes;
        for (int32_t s = 0; s < count; s++) sums[s] = sum_of_16(all.sum[s]);
    }
    return CORE_OK;
}

static int32_t visit_members(const core_fit *t, const tile *here, buffers *b, int32_t gathers) {
    switch (t->channels + t->normalized) { /* loops over a constant number of planes */
    case 1: return gathers ? gather_members(t, here, b, 1) : draw_members(t, here, b, 1);
    case 2: return gathers ? gather_members(t, here, b, 2) : draw_members(t, here, b, 2);
    case 3: return gathers ? gather_members(t, here, b, 3) : draw_members(t, here, b, 3);
    case 4: return gathers ? gather_members(t, here, b, 4) : draw_members(t, here, b, 4);
    default: return gathers ? gather_members(t, here, b, 5) : draw_members(t, here, b, 5);
    }
}

/* ---- What becomes of the sums ---- */

static inline vec load_samples(const core_fit *t, int64_t at) {
    typedef uint8_t bytes __attribute__((vector_size(LANES), may_alias, aligned(1)));
    typedef uint16_t words __attribute__((vector_size(2 * LANES), may_alias, aligned(2)));
    ivec whole; /* by way of integers of 32 bits, or compilers take them one by one */
    if (t->depth == 8) whole = __builtin_convertvector(*(const bytes *)((const uint8_t *)t->samples + at), ivec);
    else whole = __builtin_convertvector(*(const words *)((const uint16_t *)t->samples + at), ivec);
    return as_floats(whole) * t->unit;
}

/* 1 for samples of the subset, else 0. */
static inline vec inside(const tile *here, int64_t x) {
    vec column = *(const vec *)(COLUMNS + x % BLOCK) + (float)(x - x % BLOCK);
    return choose(column < splat((float)here->width), splat(1.0f), splat(0.0f));
}

/* Sums -> gradient of the squared error by them, in place; or, with `missing`, -> what is drawn, and its differences. Returns the squared error. */
static double compare(const core_fit *t, const tile *here, const buffers *b, int32_t keep) {
    int32_t planes = t->channels + t->normalized;
    float squares[BLOCK] __attribute__((aligned(64))) = {0};
    for (int64_t y = 0; y < here->height; y++)
        for (int64_t x = 0; x < here->width; x += LANES) {
            float *at = b->sums + y * planes * PITCH + x;
            vec within = inside(here, x), total = splat(1.0f), by_weight = splat(0.0f);
            if (t->normalized) total = load(at + t->channels * PITCH) + EPSILON;
            vec inverse = within / total;
            for (int32_t c = 0; c < t->channels; c++) {
                vec sum = load(at + c * PITCH);
                vec out = t->normalized ? (sum + EPSILON * t->background[c]) * inverse : sum * within;
                vec difference = out - load_samples(t, ((here->top + y) * t->channels + c) * t->stride + here->left + x);
                vec *square = (vec *)(squares + x % BLOCK), g = 2.0f * difference * inverse;
                *square += difference * difference;
                by_weight -= g * out;
                store(at + c * PITCH, keep ? out : g);
                if (keep) store(b->missing + (y * t->channels + c) * PITCH + x, difference);
            }
            if (t->normalized) store(at + t->channels * PITCH, keep ? total : by_weight);
        }
    return (double)sum_of_16(squares);
}

/* Sums -> image and total weight. */
static void write_image(const core_fit *t, const tile *here, const buffers *b) {
    int32_t planes = t->channels + t->normalized;
    for (int64_t y = 0; y < here->height; y++)
        for (int64_t x = 0; x < here->width; x += LANES) {
            const float *at = b->sums + y * planes * PITCH + x;
            vec within = inside(here, x), total = splat(1.0f);
            if (t->normalized) {
                total = load(at + t->channels * PITCH) + EPSILON;
                store(t->weight + (here->top + y) * t->stride + here->left + x, total);
            }
            for (int32_t c = 0; c < t->channels; c++) {
                vec out = load(at + c * PITCH);
                if (t->normalized) out = (out + EPSILON * t->background[c]) / total;
                store(t->image + ((here->top + y) * t->channels + c) * t->stride + here->left + x, out * within);
            }
        }
}

/* Floats of a row, one of every `finer`; `count` are left of it, and the last stands for those behind it. */
static inline vec load_coarser(const float *row, int64_t finer, int64_t count) {
    typedef float loose __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));
    typedef int64_t pairs __attribute__((vector_size(8 * LANES), may_alias, aligned(4)));
    if (finer == 1 && count >= LANES) return *(const loose *)row;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (finer == 2 && count > LANES) return (vec)__builtin_convertvector(*(const pairs *)row, ivec); /* one by one: half of a move's time */
#endif
    float picked[LANES] __attribute__((aligned(64)));
    for (int64_t lane = 0; lane < LANES; lane++) picked[lane] = row[min64(lane, count - 1) * finer];
    return load(picked);
}

/* Differences -> their squares, weighed by the curvature of a loss if there is one, over the channels. */
static void write_errors(const core_fit *t, const tile *here, const buffers *b) {
    for (int64_t y = 0; y < here->height; y++)
        for (int64_t x = 0; x < here->width; x += LANES) {
            vec squares = splat(0.0f);
            for (int32_t c = 0; c < t->channels; c++) {
                vec difference = load(b->missing + (y * t->channels + c) * PITCH + x), square = difference * difference;
                if (t->curvature != NULL) square *= load(t->curvature + ((here->top + y) * t->channels + c) * t->stride + here->left + x);
                squares += square;
            }
            store(t->weight + (here->top + y) * t->stride + here->left + x, squares);
        }
}

/* What was drawn, and the gradient and the curvature of a loss by it -> the buffers of a tile. */
static void read_loss(const core_fit *t, const tile *here, const buffers *b) {
    int32_t planes = t->channels + t->normalized;
    for (int64_t y = 0; y < here->height; y++)
        for (int64_t x = 0; x < here->width; x += LANES) {
            int64_t row = (here->top + y) * t->finer, column = (here->left + x) * t->finer, count = t->width - here->left - x;
            for (int32_t c = 0; c < t->channels; c++) {
                int64_t from = (row * t->channels + c) * t->stride + column, to = (y * t->channels + c) * PITCH + x;
                store(b->sums + (y * planes + c) * PITCH + x, load_coarser(t->image + from, t->finer, count));
                store(b->missing + to, 0.5f * load_coarser(t->gradient + from, t->finer, count));
                store(b->bent + to, load_coarser(t->curvature + from, t->finer, count));
            }
            if (t->normalized) store(b->sums + (y * planes + t->channels) * PITCH + x, load_coarser(t->weight + row * t->stride + column, t->finer, count));
        }
}

/* The gradient of a loss by the image -> that by the sums. */
static void read_gradient(const core_fit *t, const tile *here, const buffers *b) {
    int32_t planes = t->channels + t->normalized;
    for (int64_t y = 0; y < here->height; y++)
        for (int64_t x = 0; x < here->width; x += LANES) {
            float *at = b->sums + y * planes * PITCH + x;
            vec inverse = inside(here, x), by_weight = splat(0.0f);
            int64_t row = (here->top + y) * t->finer, column = (here->left + x) * t->finer, count = t->width - here->left - x;
            if (t->normalized) inverse /= load_coarser(t->weight + row * t->stride + column, t->finer, count);
            for (int32_t c = 0; c < t->channels; c++) {
                int64_t from = (row * t->channels + c) * t->stride + column;
                vec g = load_coarser(t->gradient + from, t->finer, count) * inverse;
                by_weight -= g * load_coarser(t->image + from, t->finer, count);
                store(at + c * PITCH, g);
            }
            if (t->normalized) store(at + t->channels * PITCH, by_weight);
        }
}

/* No gradient behind the tile: what blocks read there. */
static void clear_margin(const buffers *b, int64_t width, int64_t rows) {
    int64_t from = (width + LANES - 1) / LANES * LANES;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t x = from; x < from + BLOCK && x < PITCH; x++) b->sums[row * PITCH + x] = 0.0f;
}

int32_t AT_LEVEL(fit_tile)(core_fit *t, int64_t number, int32_t worker) {
    tile here = tile_of(t, number);
    int32_t planes = t->channels + t->normalized;
    buffers b;
    b.sums = (float *)(void *)(t->workspace + worker * t->workspace_bytes);
    b.missing = b.sums + CORE_MAX_PLANES * HEIGHT * PITCH;
    b.bent = b.missing + CORE_MAX_CHANNELS * HEIGHT * PITCH;
    b.remembered = (rows *)(void *)(b.bent + CORE_MAX_CHANNELS * HEIGHT * PITCH);
    if (t->what == CORE_FIT_MOVE) {
        read_gradient(t, &here, &b);
    } else if (t->what == CORE_FIT_LOSS_COSTS) {
        /* What lies behind the tile is multiplied by 0, and must be a number. */
        memset(b.sums, 0, sizeof *b.sums * (CORE_MAX_PLANES + 2 * CORE_MAX_CHANNELS) * HEIGHT * PITCH);
        read_loss(t, &here, &b);
    } else {
        memset(b.sums, 0, (size_t)(planes * here.height * PITCH) * sizeof *b.sums);
        int32_t status = visit_members(t, &here, &b, 0);
        if (status != CORE_OK) return status;
        if (t->what == CORE_FIT_DRAW) {
            write_image(t, &here, &b);
            return CORE_OK;
        }
        if (t->what == CORE_FIT_COSTS) memset(b.missing, 0, (size_t)(t->channels * here.height * PITCH) * sizeof *b.missing);
        t->tile_squares[number] = compare(t, &here, &b, t->what != CORE_FIT_STEP);
        if (t->what == CORE_FIT_ERRORS) {
            write_errors(t, &here, &b);
            return CORE_OK;
        }
    }
    if (!is_costs(t)) clear_margin(&b, here.width, planes * here.height);
    return visit_members(t, &here, &b, 1);
}
