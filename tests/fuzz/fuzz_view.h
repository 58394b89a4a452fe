/* Views and Gaussians on them from the input. */
#ifndef SPLATC_FUZZ_VIEW_H
#define SPLATC_FUZZ_VIEW_H

#include "fuzz.h"

enum { MOST_GAUSSIANS = 48, MOST_TILES = 24, MOST_ENTRIES = 20000 };

/* Any float at all, or one of those that pictures have: -128 .. 128 in steps of 2^-8. */
static inline float take_float(input *in, int32_t odd) {
    uint32_t bits = (uint32_t)take(in, odd ? 4 : 2);
    float value;
    if (!odd) return (float)(int16_t)bits / 256.0f;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A view as splatc/render/view.py makes it: whole tiles around a region of a picture. */
static inline core_view take_view(input *in) {
    static const double GRID_SCALES[8] = {1.0, 0.5, 2.0, 0.25, 1.0 / 3.0, 7.0, 0.01, 100.0};
    core_view v;
    memset(&v, 0, sizeof v);
    v.grid_scale = GRID_SCALES[take8(in) & 7];
    v.shift_x = take16(in) / 64.0, v.shift_y = take16(in) / 64.0;
    v.variance = take8(in) / 64.0;
    v.samples = 1 + (take8(in) & 7);
    v.left = (int64_t)take(in, 2), v.top = (int64_t)take(in, 2);
    v.columns = 1 + (int64_t)take(in, 2) % 200, v.rows = 1 + take8(in) % 70;
    int64_t wide = CORE_TILE_WIDTH / v.samples, high = CORE_TILE_HEIGHT / v.samples;
    v.tile_x = v.left / wide, v.tile_y = v.top / high;
    v.tiles_x = (v.left + v.columns - 1) / wide - v.tile_x + 1, v.tiles_y = (v.top + v.rows - 1) / high - v.tile_y + 1;
    int32_t outside = take8(in); /* grid points of the last pixels that lie outside of the picture */
    v.end_x = (v.left + v.columns) * v.samples - outside % v.samples, v.end_y = (v.top + v.rows) * v.samples - (outside >> 4) % v.samples;
    return v;
}

/* Some number of it becomes another; returns whether one did. */
static inline int32_t take_lie_of_view(input *in, core_view *v) {
    int32_t which = take8(in), value = take8(in);
    int64_t *fields = &v->samples;
    if (which % 16 >= 11) return 0;
    fields[which % 16] = odd_number(value);
    return 1;
}

typedef struct gaussians { /* exact in size */
    int64_t count;
    int32_t channels, normalized;
    float *mean, *scale, *angle, *colour;
    core_placed *placed;
} gaussians;

static inline gaussians take_gaussians(input *in) {
    int32_t flags = take8(in), odd = flags >> 3 & 1;
    gaussians g = {.count = take8(in) % (MOST_GAUSSIANS + 1), .channels = 1 + (flags & 3), .normalized = flags >> 2 & 1};
    g.mean = room(2 * g.count, sizeof(float), 0), g.scale = room(2 * g.count, sizeof(float), 0);
    g.angle = room(g.count, sizeof(float), 0), g.colour = room(g.count * g.channels, sizeof(float), 0);
    g.placed = room(g.count, sizeof(core_placed), 0xa5);
    for (int64_t i = 0; i < 2 * g.count; i++) g.mean[i] = take_float(in, odd) * (odd ? 1.0f : 4.0f);
    for (int64_t i = 0; i < 2 * g.count; i++) {
        g.scale[i] = take_float(in, odd);
        if (!odd) g.scale[i] = 0.05f + (g.scale[i] < 0 ? -g.scale[i] : g.scale[i]);
    }
    for (int64_t i = 0; i < g.count; i++) g.angle[i] = take_float(in, odd);
    for (int64_t i = 0; i < g.count * g.channels; i++) g.colour[i] = take_float(in, odd);
    return g;
}

static inline int32_t place(const core_view *v, const gaussians *g) {
    core_gaussians arrays = {g->mean, g->scale, g->angle, g->colour};
    return core_place(v, g->count, &arrays, g->channels, g->normalized, g->placed);
}

static inline void drop(gaussians *g) { free(g->mean), free(g->scale), free(g->angle), free(g->colour), free(g->placed); }

typedef struct lists {
    int64_t *starts, *cursor, tiles, entries;
    int32_t *members;
} lists;

/* The lists of all tiles, or members = NULL where they are too long to look at. */
static inline lists sorted(const core_view *v, const gaussians *g) {
    lists l = {.tiles = v->tiles_x * v->tiles_y, .entries = core_count_entries(v, g->count, g->placed)};
    if (l.tiles > MOST_TILES || l.entries > MOST_ENTRIES) return l;
    l.starts = room(l.tiles + 1, sizeof(int64_t), 0xa5), l.cursor = room(l.tiles, sizeof(int64_t), 0xa5);
    l.members = room(l.entries, sizeof(int32_t), 0xa5);
    MUST(l.entries >= 0 && core_count_tiles(v, g->count, g->placed, l.starts) == CORE_OK && l.starts[l.tiles] == l.entries);
    MUST(core_fill_tiles(v, g->count, g->placed, l.starts, l.cursor, l.members, l.entries) == CORE_OK);
    return l;
}
static inline void drop_lists(lists *l) { free(l->starts), free(l->cursor), free(l->members); }

#endif
