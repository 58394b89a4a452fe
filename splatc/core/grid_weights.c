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

/* Copies what the block that begins at a column of a drawn tile has; `row` is the one below the mean. */
static int32_t copy_block(const float *drawn, int64_t column, int64_t row, float weights[GRID_ROWS][GRID_CELL], int32_t *first, int32_t *count) {
    *first = *count = 0;
    for (int64_t y = 0; y < CORE_TILE_HEIGHT; y++) {
        const float *from = drawn + y * CORE_TILE_WIDTH + column;
        int32_t any = 0;
        for (int32_t x = 0; x < GRID_CELL; x++) any |= from[x] != 0.0f;
        if (!any) continue;
        if (*count == 0) *first = (int32_t)(y - row);
        *count = (int32_t)(y - row) - *first + 1;
        if (*count > GRID_ROWS) return CORE_INVALID;
        memcpy(weights[*count - 1], from, GRID_CELL * sizeof *from);
    }
    return CORE_OK;
}

static int32_t fill_grid(core_draw *draw, core_placed *placed, int32_t side, grid_weights *grid) {
    int32_t pitch = GRID_CELL / side;
    for (int32_t class = 0; class < GRID_CLASSES; class++)
        for (int32_t b = 0; b < side; b++) {
            int64_t row = class < GRID_CLASSES - 1 ? pitch * (class - GRID_BEYOND) + pitch / 2 : CORE_TILE_HEIGHT / 2 - pitch / 2;
            placed->x = MIDDLE + pitch * b + pitch / 2;
            placed->y = (double)row;
            int32_t status = core_draw_tile(draw, 0, 0);
            for (int32_t k = 0; k < 3 && status == CORE_OK; k++)
                status = copy_block(draw->out, MIDDLE + GRID_CELL * (k - 1), row, grid->weights[class][b][k], &grid->first[class][b][k], &grid->count[class][b][k]);
            if (status != CORE_OK) return status;
        }
    return CORE_OK;
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
