/* The library as such: versions, sizes, the instruction set of the rasterizer. */
#include "internal.h"

#ifndef CORE_SOURCES
#define CORE_SOURCES "unknown"
#endif

int32_t core_version(void) { return CORE_VERSION; }

const char *core_sources(void) { return CORE_SOURCES; }

int64_t core_struct_bytes(int32_t which) {
    static const int64_t BYTES[] = {
        sizeof(core_header), sizeof(core_steps),  sizeof(core_tables),  sizeof(core_splits), sizeof(core_site),   sizeof(core_section),
        sizeof(core_level),  sizeof(core_decode), sizeof(core_predict), sizeof(core_view),   sizeof(core_placed), sizeof(core_draw),
#if !defined(__wasm__)
        sizeof(core_job),    sizeof(core_dequantizing), sizeof(core_placing),
#endif
    };
    return which < 0 || which >= (int32_t)(sizeof BYTES / sizeof *BYTES) ? 0 : BYTES[which];
}

typedef int32_t drawer(const core_draw *task, int64_t tile, int32_t worker);

#if defined(__x86_64__)
static drawer *const DRAWERS[5] = {NULL, NULL, draw_tile_v2, draw_tile_v3, draw_tile_v4};
enum { LEAST_LEVEL = 2 };
#else
static drawer *const DRAWERS[5] = {NULL, draw_tile_base, NULL, NULL, NULL};
enum { LEAST_LEVEL = 1 };
int32_t best_level(void);
#endif

static int32_t chosen; /* 0: the best */

int32_t core_best_level(void) { return best_level(); }

int32_t core_get_level(void) {
    int32_t level = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (level == 0) {
        level = best_level();
        __atomic_store_n(&chosen, level, __ATOMIC_RELAXED);
    }
    return level;
}

int32_t core_set_level(int32_t level) {
    if (level < LEAST_LEVEL || level > best_level()) return CORE_INVALID;
    __atomic_store_n(&chosen, level, __ATOMIC_RELAXED);
    return CORE_OK;
}

int64_t core_draw_workspace(void) { return (int64_t)(CORE_TILE_WIDTH * CORE_TILE_HEIGHT * CORE_MAX_PLANES * sizeof(float)); }

/* First row of tiles and number of them between the rows of a task. */
static int64_t tile_rows(const core_draw *t, int64_t *count) {
    int64_t pixels = CORE_TILE_HEIGHT / t->view->samples, top = t->view->top + t->first, bottom = t->view->top + t->last;
    int64_t low = max64(top / pixels - t->view->tile_y, 0), high = min64((bottom + pixels - 1) / pixels - t->view->tile_y, t->view->tiles_y);
    *count = t->first < t->last && high > low ? high - low : 0;
    return low;
}

static int32_t draw_is_sound(const core_draw *t) {
    const core_view *v = t->view;
    if (v == NULL || !view_is_sound(v) || v->columns < 1 || t->first < 0 || t->last < t->first || t->last > v->rows) return 0;
    if (t->channels < 1 || t->channels > CORE_MAX_CHANNELS || (t->depth != 8 && t->depth != 16 && t->depth != 32)) return 0;
    if ((uintptr_t)t->out % (uintptr_t)(t->depth / 8) || t->out_bytes / (v->columns * t->channels * (t->depth / 8)) < t->last - t->first) return 0;
    return (uintptr_t)t->workspace % 64 == 0 && t->workspace_bytes % 64 == 0 && t->workspace_bytes >= core_draw_workspace();
}

int64_t core_draw_tiles(const core_draw *t) {
    int64_t rows;
    if (!draw_is_sound(t)) return -1;
    tile_rows(t, &rows);
    return rows * t->view->tiles_x;
}

int32_t core_draw_tile(const core_draw *t, int64_t tile, int32_t worker) {
    int64_t rows, low;
    if (!draw_is_sound(t) || worker < 0 || worker >= t->workers || core_get_level() < LEAST_LEVEL) return CORE_INVALID;
    low = tile_rows(t, &rows);
    if (tile < 0 || tile >= rows * t->view->tiles_x) return CORE_INVALID;
    tile += low * t->view->tiles_x;
    if (t->starts[tile] < 0 || t->starts[tile] > t->starts[tile + 1] || t->starts[tile + 1] > t->member_count) return CORE_INVALID;
    return DRAWERS[core_get_level()](t, tile, worker);
}
