/* A step of the fit as items of a job: Gaussians are placed, sorted into tiles, drawn and compared there, and moved. */
#include "fit_internal.h"

#if !defined(__wasm__)

enum { MOST_SIDE = 1 << 20 };

/* Planes that are drawn, missing and bent, and the rows of blocks that are remembered (fit_tile.c). */
int64_t core_fit_workspace(void) {
    int64_t plane = CORE_FIT_TILE_HEIGHT * (CORE_FIT_TILE_WIDTH + 16);
    return (int64_t)sizeof(float) * (CORE_MAX_PLANES + 2 * CORE_MAX_CHANNELS) * plane + REMEMBERED * (int64_t)sizeof(rows);
}

static int64_t tiles_x(int64_t width) { return (width + CORE_FIT_TILE_WIDTH - 1) / CORE_FIT_TILE_WIDTH; }

int64_t core_fit_tiles(int64_t width, int64_t height) {
    if (width < 1 || height < 1 || width > MOST_SIDE || height > MOST_SIDE) return -1;
    return tiles_x(width) * ((height + CORE_FIT_TILE_HEIGHT - 1) / CORE_FIT_TILE_HEIGHT);
}

int32_t core_fit_make_widths(const core_steps *steps, core_fit_widths *widths) {
    const double unit = 1.0 / 4294967296.0, pi = 3.14159265358979324, log_2 = 0.69314718055994531;
    if (!steps_are_sound(steps) || widths == NULL) return CORE_INVALID;
    for (int32_t level = 0; level < CORE_MAX_LEVELS; level++) {
        widths->position[level] = (float)((double)steps->position[level] * unit);
        for (int32_t c = 0; c < CORE_MAX_CHANNELS; c++) widths->colour[level][c] = c < steps->channels ? (float)((double)steps->colour[level][c] * unit) : 0.0f;
        for (int32_t a = 0; a < CORE_ASPECTS; a++) widths->angle[level][a] = (float)(pi / max32(steps->directions[level][a], 1));
    }
    for (int32_t a = 0; a < CORE_ASPECTS; a++) widths->offsets[a] = (float)steps->offsets[a];
    widths->log_scale = (float)(log_2 / steps->log_scales);
    widths->aspect = (float)((double)steps->aspect * unit);
    return CORE_OK;
}

static int32_t network_is_sound(const core_fit *t) {
    const core_fit_network *net = t->network;
    return t->what == CORE_FIT_STEP && t->channels == 3 && net->weights != NULL && net->hidden > 0 && net->hidden <= CORE_NETWORK_HIDDEN && net->hidden % 8 == 0;
}

static int32_t is_sound(const core_fit *t) {
    int32_t moves = t->what == CORE_FIT_STEP || t->what == CORE_FIT_MOVE;
    if (t->what < CORE_FIT_STEP || t->what > CORE_FIT_LOSS_COSTS || t->channels < 1 || t->channels > CORE_MAX_CHANNELS) return 0;
    if (t->count < 0 || t->count > MAX_GAUSSIANS || core_fit_tiles(t->width, t->height) < 0 || t->stride < t->width || t->stride % 16) return 0;
    if (t->values == NULL || t->frozen == NULL || t->placed == NULL || t->boxes == NULL || t->entry_starts == NULL || t->tile_starts == NULL) return 0;
    if (t->entries < 0 || t->entries > INT32_MAX || t->members == NULL || t->sums == NULL || !(t->reduction >= 1.0f)) return 0;
    if (moves && (t->first == NULL || t->second == NULL || t->adam == NULL)) return 0;
    if (moves && t->network != NULL && !network_is_sound(t)) return 0;
    if (t->what != CORE_FIT_DRAW && !is_drawn(t) && (t->tile_squares == NULL || t->samples == NULL || (t->depth != 8 && t->depth != 16))) return 0;
    if ((t->what == CORE_FIT_DRAW || is_drawn(t)) && (t->image == NULL || (t->normalized && t->weight == NULL))) return 0;
    if (t->what == CORE_FIT_ERRORS && t->weight == NULL) return 0;
    if ((is_drawn(t) && (t->gradient == NULL || t->finer < 1)) || (is_costs(t) && t->cost == NULL)) return 0;
    if (t->what == CORE_FIT_LOSS_COSTS && t->curvature == NULL) return 0;
    return (uintptr_t)t->workspace % 64 == 0 && t->workspace_bytes % 64 == 0 && t->workspace_bytes >= core_fit_workspace();
}

typedef struct phases { /* items of each */
    int64_t place, sort, draw, end;
} phases;

static phases phases_of(const core_fit *t) {
    int64_t chunks = (t->count + CORE_FIT_CHUNK - 1) / CORE_FIT_CHUNK;
    phases p = {chunks, 1, core_fit_tiles(t->width, t->height), t->what == CORE_FIT_DRAW || t->what == CORE_FIT_ERRORS ? 0 : chunks};
    return p;
}

int64_t core_fit_phases(const core_fit *t, int64_t *ends) {
    if (t == NULL || ends == NULL || !is_sound(t)) return -1;
    phases p = phases_of(t);
    ends[0] = p.place;
    ends[1] = ends[0] + p.sort;
    ends[2] = ends[1] + p.draw;
    ends[3] = ends[2] + p.end;
    return CORE_FIT_PHASES;
}

/* The lists of the tiles, and where the sums of each Gaussian begin. */
static int32_t sort_into_tiles(core_fit *t) {
    int64_t tiles = core_fit_tiles(t->width, t->height), across = tiles_x(t->width), *starts = t->tile_starts;
    t->entry_starts[0] = 0;
    memset(starts, 0, (size_t)(tiles + 1) * sizeof *starts);
    for (int64_t i = 0; i < t->count; i++) {
        const int32_t *box = t->boxes + 4 * i;
        t->entry_starts[i + 1] += t->entry_starts[i];
        for (int64_t row = box[1]; row < box[3]; row++)
            for (int64_t column = box[0]; column < box[2]; column++) starts[row * across + column]++;
    }
    t->needed = t->entry_starts[t->count];
    if (t->needed > t->entries) return CORE_TOO_SMALL;
    int64_t sum = 0;
    for (int64_t tile = 0; tile < tiles; tile++) {
        sum += starts[tile];
        starts[tile] = sum; /* its end: filled from there downwards */
    }
    starts[tiles] = sum;
    for (int64_t i = t->count - 1; i >= 0; i--) {
        const int32_t *box = t->boxes + 4 * i;
        for (int64_t row = box[1]; row < box[3]; row++)
            for (int64_t column = box[0]; column < box[2]; column++) t->members[--starts[row * across + column]] = (int32_t)i;
    }
    return CORE_OK;
}

static void add_costs(const core_fit *t, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++)
        for (int64_t entry = t->entry_starts[i]; entry < t->entry_starts[i + 1]; entry++) t->cost[i] += t->sums[entry * CORE_FIT_SUMS];
}

int32_t core_fit_item(core_fit *t, int64_t item, int32_t worker) {
    if (t == NULL || !is_sound(t) || item < 0 || worker < 0 || worker >= t->workers) return CORE_INVALID;
    if (stopped(t->stop)) return CORE_CANCELLED;
    phases p = phases_of(t);
    int64_t first = item * CORE_FIT_CHUNK;
    if (item < p.place) {
        CHOOSE(fit_place)(t, first, min64(first + CORE_FIT_CHUNK, t->count));
        return CORE_OK;
    }
    item -= p.place;
    if (item < p.sort) return sort_into_tiles(t);
    item -= p.sort;
    if (item < p.draw) return CHOOSE(fit_tile)(t, item, worker);
    item -= p.draw;
    if (item >= p.end) return CORE_INVALID;
    first = item * CORE_FIT_CHUNK;
    int64_t last = min64(first + CORE_FIT_CHUNK, t->count);
    if (is_costs(t))
        add_costs(t, first, last);
    else
        CHOOSE(fit_move)(t, first, last);
    return CORE_OK;
}

#endif
