/* What the Gaussians of latents weigh: all of a grid are alike and lie alike on the pixels, so what one of them weighs is found once.

   It is drawn as any other Gaussian, which is why grids are drawn to the same bits. Down a block of the rasterizer a weight follows a recurrence that begins
   where the Gaussian does, or at the upper edge of the tile: hence a class for each mean that lies above or below that edge. The lower edge only ends it: of
   these Gaussians it does not decide whether the recurrence is used. */
#include "internal.h"

enum {
    MIDDLE = CORE_TILE_WIDTH / 2, /* a cell that begins there is a block, as are those beside it */
    COARSE_LEVEL = 2,
    FINE_LEVEL = 1,
};

int64_t core_grid_weights_bytes(void) { return (int64_t)(sizeof(both_weights) + 63) / 64 * 64; }

int32_t grids_are_sound(const core_grids *grids, int32_t channels) {
    const int64_t most = MAX_POSITION_CELLS, places[4] = {grids->column, grids->row, grids->columns, grids->rows};
    for (int32_t i = 0; i < 4; i++)
        if (places[i] < 0 || places[i] > most) return 0;
    if (grids->width < 1 || grids->height < 1 || grids->width > 1 << 20 || grids->height > 1 << 20 || grids->tile < 1 || grids->tile > CORE_LATENT_TILE) return 0;
    if (grids->busy < 0 || (channels != 1 && channels != 3) || (uintptr_t)grids->weights % 64 || grids->weights == NULL) return 0;
    return grids->steps != NULL && steps_are_sound(grids->steps) && grids->steps->channels == channels;
}

/* A round Gaussian of a level, as it is placed in a view with one grid point a px. */
static int32_t place_round(const core_steps *steps, int32_t level, core_placed *placed) {
    int32_t zero = 0, colour[CORE_MAX_CHANNELS] = {0};
    float mean[2], scale[2], angle, values[CORE_MAX_CHANNELS], one = 1.0f;
    core_columns columns = {&level, &zero, &zero, &zero, &zero, &zero, &zero, colour};
    core_gaussians made = {mean, scale, &angle, values}, shown = {mean, scale, &angle, &one};
    core_view view = {.grid_scale = 1.0, .samples = 1, .columns = CORE_TILE_WIDTH, .rows = CORE_TILE_HEIGHT, .tiles_x = 1, .tiles_y = 1};
    int32_t status = core_dequantize(steps, 1, &columns, &made);
    return status == CORE_OK ? core_place(&view, 1, &shown, 1, 0, placed) : status;
}

/* Widens rows first .. last - 1 to those of a drawn tile in which anything is. */
static void widen(const float *drawn, int64_t *first, int64_t *last) {
    for (int64_t y = 0; y < CORE_TILE_HEIGHT; y++)
        for (int64_t x = 0; x < CORE_TILE_WIDTH; x++)
            if (drawn[y * CORE_TILE_WIDTH + x] != 0.0f) {
                *first = min64(*first, y);
                *last = max64(*last, y + 1);
            }
}

static int32_t draw_at(core_draw *draw, core_placed *placed, int32_t pitch, int32_t column, int64_t row) {
    placed->x = MIDDLE + pitch * column + pitch / 2;
    placed->y = (double)row;
    return core_draw_tile(draw, 0, 0);
}

static int32_t fill_class(core_draw *draw, core_placed *placed, int32_t side, int32_t class, grid_weights *grid) {
    int32_t pitch = GRID_CELL / side;
    int64_t row = class < GRID_CLASSES - 1 ? pitch * (class - GRID_BEYOND) + pitch / 2 : CORE_TILE_HEIGHT / 2 - pitch / 2;
    int64_t first = CORE_TILE_HEIGHT, last = 0;
    for (int32_t b = 0; b < side; b++) {
        int32_t status = draw_at(draw, placed, pitch, b, row);
        if (status != CORE_OK) return status;
        widen(draw->out, &first, &last);
    }
    if (last - first > GRID_ROWS) return CORE_INVALID;
    grid->first[class] = (int32_t)(first - row), grid->count[class] = (int32_t)(last - first);
    for (int32_t b = 0; b < side; b++) {
        int32_t status = draw_at(draw, placed, pitch, b, row);
        if (status != CORE_OK) return status;
        for (int32_t k = 0; k < 3; k++)
            for (int64_t y = first; y < last; y++)
                memcpy(grid->weights[class][k][y - first][b], (const float *)draw->out + y * CORE_TILE_WIDTH + MIDDLE + GRID_CELL * (k - 1), GRID_CELL * sizeof(float));
    }
    return CORE_OK;
}

static int32_t fill_grid(core_draw *draw, core_placed *placed, int32_t side, grid_weights *grid) {
    int32_t status = CORE_OK;
    for (int32_t class = 0; class < GRID_CLASSES && status == CORE_OK; class++) status = fill_class(draw, placed, side, class, grid);
    return status;
}

int32_t core_make_grid_weights(const core_steps *steps, uint8_t *weights, uint8_t *workspace) {
    if (steps == NULL || !steps_are_sound(steps) || (uintptr_t)weights % 64 || (uintptr_t)workspace % 64) return CORE_INVALID;
    both_weights *both = (both_weights *)(void *)weights;
    core_placed placed;
    core_view view = {.grid_scale = 1.0, .samples = 1, .columns = CORE_TILE_WIDTH, .rows = CORE_TILE_HEIGHT, .tiles_x = 1, .tiles_y = 1,
                      .end_x = CORE_TILE_WIDTH, .end_y = CORE_TILE_HEIGHT};
    int64_t starts[2] = {0, 1}, needed = (core_draw_workspace() + 63) / 64 * 64, drawn = CORE_TILE_WIDTH * CORE_TILE_HEIGHT * (int64_t)sizeof(float);
    int32_t member = 0;
    core_draw draw = {.view = &view, .placed = &placed, .count = 1, .starts = starts, .members = &member, .member_count = 1, .channels = 1, .depth = 32,
                      .workers = 1, .last = CORE_TILE_HEIGHT, .out = workspace + needed, .out_bytes = drawn, .workspace = workspace, .workspace_bytes = needed};
    memset(both, 0, sizeof *both);
    int32_t status = place_round(steps, COARSE_LEVEL, &placed);
    if (status == CORE_OK) status = fill_grid(&draw, &placed, GRID_COARSE, &both->coarse);
    if (status == CORE_OK) status = place_round(steps, FINE_LEVEL, &placed);
    return status == CORE_OK ? fill_grid(&draw, &placed, GRID_FINE, &both->fine) : status;
}
