/* What is checked before a tile is drawn; raster.c draws it. */
#include "internal.h"

int64_t core_draw_workspace(void) { return (int64_t)(CORE_TILE_WIDTH * CORE_TILE_HEIGHT * CORE_MAX_PLANES * sizeof(float) + sizeof(grid_features)); }

int32_t core_grids_suit(const core_view *v) {
    int32_t on_pixels = v->grid_scale == 1.0 && v->shift_x == 0.0 && v->shift_y == 0.0 && v->variance == 0.0;
    return view_is_sound(v) && on_pixels && (v->samples == 1 || v->samples == 2 || v->samples == 4);
}

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
    if (t->grids != NULL && (!core_grids_suit(v) || !t->normalized || !grids_are_sound(t->grids, t->channels))) return 0;
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
    if (!draw_is_sound(t) || worker < 0 || worker >= t->workers) return CORE_INVALID;
    low = tile_rows(t, &rows);
    if (tile < 0 || tile >= rows * t->view->tiles_x) return CORE_INVALID;
    tile += low * t->view->tiles_x;
    if (t->grids != NULL) return draw_tile(t, tile, worker);
    if (t->starts[tile] < 0 || t->starts[tile] > t->starts[tile + 1] || t->starts[tile + 1] > t->member_count) return CORE_INVALID;
    return draw_tile(t, tile, worker);
}
