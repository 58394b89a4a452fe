/* Integers -> Gaussians (spec/quantization.md), and Gaussians -> what the rasterizer needs of them, sorted into tiles.

   In float64 with functions of our own: those of a C library differ in their last bit from one to the next. */
#include "internal.h"

static const int32_t OFFSETS_FROM[8] = {22713, 58712, 81425, 104138, 126852, 149565, 172278, 194991};

enum { MAX_STEP_INDEX = 191, PI_Q16 = 205887 };

static const double MAX_LOG_ASPECT = 4.0, MAX_COLOUR = 4.0;
static const double PI = 3.141592653589793, LN2 = 0.6931471805599453, Q_MAX = 12.25, UNIT = 1.0 / 4294967296.0;

/* ---- Steps ---- */

static int64_t step_of(int32_t index, int32_t slope, int32_t level) {
    int32_t k = min32(max32(index + slope * level, 0), MAX_STEP_INDEX);
    return STEP8[k & 7] << (k >> 3);
}

static int32_t directions_of(int64_t angle_step, int64_t a) {
    int64_t step = max64(angle_step >> 16, 1), b = a * a >> 16, c = a * b >> 16;
    int64_t sinh_a = a + c / 6 + (c * b >> 16) / 120;
    int64_t target = max64(PI_Q16 * sinh_a / (step << 16), 1);
    int32_t index = 15;
    while (ANGLE_COUNTS[index] > target) index--;
    return ANGLE_COUNTS[index];
}

int32_t core_make_steps(const core_header *h, core_steps *steps) {
    if (h == NULL || steps == NULL || h->channels < 1 || h->channels > CORE_MAX_CHANNELS || h->log_scales < 1 || h->log_scales > 32 ||
        (h->models & ~CORE_MODELS) != 0)
        return CORE_INVALID;
    int32_t fields[9] = {h->position, h->position_slope, h->aspect, h->angle, h->angle_slope, h->luma, h->chroma, h->colour_slope, 0};
    for (int32_t i = 0; i < 9; i++)
        if (fields[i] < -(1 << 20) || fields[i] > 1 << 20) return CORE_INVALID;
    memset(steps, 0, sizeof *steps);
    steps->channels = h->channels;
    steps->log_scales = h->log_scales;
    steps->models = h->models;
    steps->aspect = step_of(h->aspect, 0, 0);
    for (int32_t i = 0; i < CORE_ASPECTS; i++) {
        int32_t index = 0;
        steps->log_aspect[i] = min64(i * steps->aspect >> 16, (int64_t)4 << 16);
        while (index < 8 && steps->log_aspect[i] >= OFFSETS_FROM[index]) index++;
        steps->offsets[i] = OFFSET_COUNTS[index];
    }
    for (int32_t c = 1; c < 3 && h->channels > 2; c++) steps->chroma[c] = 1;
    for (int32_t level = 0; level < CORE_MAX_LEVELS; level++) {
        int64_t angle_step = step_of(h->angle, h->angle_slope, level);
        steps->position[level] = step_of(h->position, h->position_slope, level);
        for (int32_t c = 0; c < h->channels; c++)
            steps->colour[level][c] = step_of(steps->chroma[c] ? h->chroma : h->luma, h->colour_slope, level);
        for (int32_t i = 0; i < CORE_ASPECTS; i++) steps->directions[level][i] = directions_of(angle_step, steps->log_aspect[i]);
    }
    return CORE_OK;
}

/* ---- Functions ---- */

/* 2^x to 1e-15 */
static double exp2_of(double x) {
    int64_t whole = floor64(x + 0.5);
    double f = (x - (double)whole) * LN2, sum = 1.0;
    for (int32_t n = 13; n > 0; n--) sum = 1.0 + sum * f / n;
    uint64_t bits = (uint64_t)(whole + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

/* Of an angle in half turns. */
void sine_and_cosine(double half_turns, double *sine, double *cosine) {
    int64_t quarter = floor64(2.0 * half_turns + 0.5);
    double f = (half_turns - 0.5 * (double)quarter) * PI, square = f * f, s = 1.0, c = 1.0; /* |f| <= pi / 4 */
    for (int32_t n = 16; n > 0; n -= 2) {
        s = 1.0 - s * square / (n * (n + 1));
        c = 1.0 - c * square / (n * (n - 1));
    }
    s *= f;
    *sine = quarter & 1 ? c : s;
    *cosine = quarter & 1 ? -s : c;
    if (quarter & 2) *sine = -*sine, *cosine = -*cosine;
}

/* ---- Integers -> Gaussians ---- */

typedef struct gaussian {
    double x, y, s1, s2, sine, cosine;
} gaussian;

/* Where a sub-cell offset puts the mean, relative to the middle of the cell, in its sides (spec/quantization.md, "Position"). */
static void offset_middle(int32_t offset, int32_t offsets, double sine, double cosine, double *dx, double *dy) {
    double across = ((offset + 0.5) / offsets - 0.5) * ((cosine < 0 ? -cosine : cosine) + (sine < 0 ? -sine : sine));
    /* The points across (-sin, cos) + along (cos, sin) with both coordinates in [-1/2, 1/2]. */
    double a = (-0.5 + across * sine) / cosine, b = (0.5 + across * sine) / cosine;
    double c = (-0.5 - across * cosine) / sine, d = (0.5 - across * cosine) / sine;
    double first_x = a < b ? a : b, last_x = a < b ? b : a, first_y = c < d ? c : d, last_y = c < d ? d : c;
    double along = 0.5 * ((first_x > first_y ? first_x : first_y) + (last_x < last_y ? last_x : last_y));
    *dx = along * cosine - across * sine;
    *dy = across * cosine + along * sine;
}

static gaussian dequantized(const core_steps *steps, const core_columns *columns, int64_t i) {
    int32_t level = columns->level[i], aspect = columns->aspect[i], angle = columns->angle[i];
    gaussian g;
    double step = (double)steps->position[level] * UNIT, dx = 0.0, dy = 0.0;
    double log2_scale = level - 1 + (columns->log_scale[i] + 0.5) / steps->log_scales;
    double log_aspect = aspect * ((double)steps->aspect * UNIT), half = 0.5 / LN2 * (log_aspect < MAX_LOG_ASPECT ? log_aspect : MAX_LOG_ASPECT);
    sine_and_cosine((double)angle / steps->directions[level][aspect], &g.sine, &g.cosine);
    if (steps->offsets[aspect] > 1) offset_middle(columns->offset[i], steps->offsets[aspect], g.sine, g.cosine, &dx, &dy);
    g.x = (columns->x[i] + 0.5 + dx) * step;
    g.y = (columns->y[i] + 0.5 + dy) * step;
    g.s1 = exp2_of(log2_scale + half);
    g.s2 = exp2_of(log2_scale - half);
    return g;
}

static double length(double a, double b) { return __builtin_sqrt(a * a + b * b); }

double beyond_tile(const core_steps *steps, const double tile[4], int64_t start, int64_t count, const core_columns *columns) {
    double beyond = 0.0, radius = __builtin_sqrt(Q_MAX);
    for (int64_t i = start; i < start + count; i++) {
        gaussian g = dequantized(steps, columns, i);
        double half_x = radius * length(g.s1 * g.cosine, g.s2 * g.sine), half_y = radius * length(g.s1 * g.sine, g.s2 * g.cosine);
        double sides[4] = {tile[0] - (g.x - half_x), g.x + half_x - tile[2], tile[1] - (g.y - half_y), g.y + half_y - tile[3]};
        for (int32_t k = 0; k < 4; k++) beyond = sides[k] > beyond ? sides[k] : beyond;
    }
    return beyond;
}

/* Coded channels -> gray, RGB, alpha; the clamp is for the picture alone. */
void colour_of(const core_steps *steps, int32_t level, const int32_t *index, float *values) {
    double coded[CORE_MAX_CHANNELS];
    for (int32_t c = 0; c < steps->channels; c++) {
        double value = index[c] * ((double)steps->colour[level][c] * UNIT);
        coded[c] = value < -MAX_COLOUR ? -MAX_COLOUR : value > MAX_COLOUR ? MAX_COLOUR : value;
        values[c] = (float)coded[c];
    }
    if (steps->channels < 3) return;
    values[0] = (float)(coded[0] + 1.224744871 * coded[1] + 0.707106781 * coded[2]);
    values[1] = (float)(coded[0] - 1.414213562 * coded[2]);
    values[2] = (float)(coded[0] - 1.224744871 * coded[1] + 0.707106781 * coded[2]);
}

int32_t core_dequantize(const core_steps *steps, int64_t count, const core_columns *columns, const core_gaussians *out) {
    if (count < 0 || !steps_are_sound(steps)) return CORE_INVALID;
    for (int64_t i = 0; i < count; i++) {
        int32_t level = columns->level[i], aspect = columns->aspect[i];
        if (level < 0 || level >= CORE_MAX_LEVELS || aspect < 0 || aspect >= CORE_ASPECTS) return CORE_INVALID;
        gaussian g = dequantized(steps, columns, i);
        out->mean[2 * i] = (float)g.x, out->mean[2 * i + 1] = (float)g.y;
        out->scale[2 * i] = (float)g.s1, out->scale[2 * i + 1] = (float)g.s2;
        out->angle[i] = (float)(columns->angle[i] * PI / steps->directions[level][aspect]);
        colour_of(steps, level, columns->colour + i * steps->channels, out->colour + i * steps->channels);
    }
    return CORE_OK;
}

/* ---- Gaussians -> a view ---- */

/* The same from the Gaussian `first` on. */
core_gaussians tail_of_gaussians(const core_gaussians *g, int64_t first, int32_t channels) {
    return (core_gaussians){g->mean + 2 * first, g->scale + 2 * first, g->angle + first, g->colour + first * channels};
}

int32_t view_is_sound(const core_view *v) {
    const int64_t sides[5][2] = {{v->columns, v->rows}, {v->tiles_x, v->tiles_y}, {v->left, v->top}, {v->tile_x, v->tile_y}, {v->end_x, v->end_y}};
    static const int32_t BITS[5] = {31, 30, 40, 40, 44};
    for (int32_t i = 0; i < 5; i++)
        for (int32_t k = 0; k < 2; k++)
            if (sides[i][k] >> BITS[i] != 0) return 0; /* too large, or negative */
    return v->samples >= 1 && v->samples <= 8;
}

int32_t core_place(const core_view *view, int64_t count, const core_gaussians *g, int32_t channels, int32_t normalized, core_placed *placed) {
    if (count < 0 || channels < 1 || channels > CORE_MAX_CHANNELS || !view_is_sound(view)) return CORE_INVALID;
    const double half = -0.5 / LN2, root = __builtin_sqrt(0.5 / LN2); /* weights are 2^(half q) */
    for (int64_t i = 0; i < count; i++) {
        core_placed *p = placed + i;
        double sine, cosine, s1 = g->scale[2 * i], s2 = g->scale[2 * i + 1];
        double wide1 = __builtin_sqrt(s1 * s1 + view->variance), wide2 = __builtin_sqrt(s2 * s2 + view->variance);
        double gain = s1 / wide1 * (s2 / wide2); /* keeps the mass */
        double r1 = wide1 * view->grid_scale, r2 = wide2 * view->grid_scale, v1 = r1 * r1, v2 = r2 * r2;
        sine_and_cosine(g->angle[i] / PI, &sine, &cosine);
        p->x = g->mean[2 * i] * view->grid_scale - view->shift_x;
        p->y = g->mean[2 * i + 1] * view->grid_scale - view->shift_y;
        p->a = (float)(half * (cosine * cosine / v1 + sine * sine / v2));
        p->b = (float)(2.0 * half * cosine * sine * (1.0 / v1 - 1.0 / v2));
        p->c = (float)(half * (sine * sine / v1 + cosine * cosine / v2));
        p->u_x = (float)(root * cosine / r1), p->u_y = (float)(root * sine / r1);
        p->v_x = (float)(-root * sine / r2), p->v_y = (float)(root * cosine / r2);
        p->extent_x = (float)__builtin_sqrt(Q_MAX * (cosine * cosine * v1 + sine * sine * v2));
        p->extent_y = (float)__builtin_sqrt(Q_MAX * (sine * sine * v1 + cosine * cosine * v2));
        memset(p->feature, 0, sizeof p->feature);
        for (int32_t c = 0; c < channels; c++) p->feature[c] = (float)(g->colour[i * channels + c] * gain);
        if (normalized) p->feature[channels] = (float)gain;
    }
    return CORE_OK;
}

typedef struct span {
    int64_t first, last; /* first <= last, but where there is none */
} span;

/* Tiles `first` .. `first` + `count` - 1 of a side that what reaches `extent` from `centre` touches, with half a grid point of room: the tile itself decides what it
   draws. */
static span tiles_touched(double centre, float extent, int64_t size, int64_t first, int64_t count) {
    const double far = 4e18;
    double low = (centre - extent - 0.5) / (double)size, high = (centre + extent + 0.5) / (double)size;
    if (!(low > -far && low < far && high > -far && high < far)) return (span){0, -1};
    return (span){max64(floor64(low) - first, 0), min64(floor64(high) - first, count - 1)};
}

static void touched(const core_view *v, const core_placed *p, span *columns, span *rows) {
    *columns = tiles_touched(p->x, p->extent_x, CORE_TILE_WIDTH / v->samples * v->samples, v->tile_x, v->tiles_x);
    *rows = tiles_touched(p->y, p->extent_y, CORE_TILE_HEIGHT / v->samples * v->samples, v->tile_y, v->tiles_y);
}

int64_t core_count_entries(const core_view *view, int64_t count, const core_placed *placed) {
    span columns, rows;
    int64_t entries = 0;
    if (count < 0 || count > MAX_GAUSSIANS || !view_is_sound(view)) return -1;
    for (int64_t i = 0; i < count; i++) {
        touched(view, placed + i, &columns, &rows);
        int64_t across = max64(columns.last - columns.first + 1, 0), down = max64(rows.last - rows.first + 1, 0);
        if (across > 0 && down > (((int64_t)1 << 62) - entries) / across) return (int64_t)1 << 62;
        entries += across * down;
    }
    return entries;
}

int32_t core_count_tiles(const core_view *view, int64_t count, const core_placed *placed, int64_t *starts) {
    span columns, rows;
    if (count < 0 || count > MAX_GAUSSIANS || !view_is_sound(view)) return CORE_INVALID;
    int64_t tiles = view->tiles_x * view->tiles_y;
    memset(starts, 0, (size_t)(tiles + 1) * sizeof *starts);
    for (int64_t i = 0; i < count; i++) {
        touched(view, placed + i, &columns, &rows);
        for (int64_t row = rows.first; row <= rows.last; row++)
            for (int64_t column = columns.first; column <= columns.last; column++) starts[row * view->tiles_x + column + 1]++;
    }
    for (int64_t tile = 0; tile < tiles; tile++) starts[tile + 1] += starts[tile];
    return CORE_OK;
}

int32_t core_fill_tiles(const core_view *view, int64_t count, const core_placed *placed, const int64_t *starts, int64_t *cursor,
                        int32_t *members, int64_t member_count) {
    span columns, rows;
    if (count < 0 || count > MAX_GAUSSIANS || !view_is_sound(view)) return CORE_INVALID;
    int64_t tiles = view->tiles_x * view->tiles_y;
    if (starts[0] != 0 || starts[tiles] != member_count) return CORE_INVALID;
    for (int64_t tile = 0; tile < tiles; tile++)
        if (starts[tile] > starts[tile + 1]) return CORE_INVALID;
    memcpy(cursor, starts, (size_t)tiles * sizeof *cursor);
    for (int64_t i = 0; i < count; i++) {
        touched(view, placed + i, &columns, &rows);
        for (int64_t row = rows.first; row <= rows.last; row++)
            for (int64_t column = columns.first; column <= columns.last; column++) {
                int64_t tile = row * view->tiles_x + column;
                if (cursor[tile] >= starts[tile + 1]) return CORE_INVALID;
                members[cursor[tile]++] = (int32_t)i;
            }
    }
    return CORE_OK;
}
