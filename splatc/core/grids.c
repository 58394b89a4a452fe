/* Adds the Gaussians of latents to the sums of a tile of the rasterizer (raster.c), grid by grid. Compiled once for each instruction set.

   A cell of latents is as wide as a block of columns, and no Gaussian reaches farther than the middle of the next cell. They are added in the order in which
   they would stand in a list, with the weights that they would have there: the sums are the same to the last bit. */
#include "internal.h"
#include "lanes.h"

#define ADD_GRIDS AT_LEVEL(add_grids)

enum { BLOCK = GRID_CELL, HEIGHT = CORE_TILE_HEIGHT, COARSE_LEVEL = 2, FINE_LEVEL = 1 };

typedef struct span {
    int32_t first, last; /* one past the last */
} span;

/* Of the rows or columns of a grid in a cell: those that reach into a cell `away` cells after it. `shown` of them exist. */
static inline span reaching(int32_t side, int32_t away, int32_t shown) {
    span s = {away > 0 ? side - GRID_BEYOND : 0, away < 0 ? GRID_BEYOND : side};
    s.last = min32(s.last, shown);
    return s;
}

typedef struct cell { /* a grid in a cell, as it is added to a block */
    const float (*features)[GRID_PLANES];
    const grid_weights *grid;
    int32_t side, beside; /* of weights: the block lies to the left of the cell, in it, to the right */
    span rows, columns;
    int64_t top; /* of the cell, relative to the tile */
} cell;

/* Row by row of the block, all means of a row of the grid at once: each sample is added to in the same order as mean by mean, and stored once. */
static inline void add_cell(float *sums, const cell *c, int64_t height, const int32_t planes) {
    int32_t pitch = GRID_CELL / c->side;
    for (int32_t a = c->rows.first; a < c->rows.last; a++) {
        int64_t row = c->top + pitch * a + pitch / 2, class = grid_class((row - pitch / 2) / pitch + GRID_BEYOND);
        int64_t first = row + c->grid->first[class], last = min64(first + c->grid->count[class], height);
        const float(*weights)[GRID_FINE][GRID_CELL] = c->grid->weights[class][c->beside];
        const float(*features)[GRID_PLANES] = c->features + a * c->side;
        for (int64_t y = first; y < last; y++, weights++)
            for (int32_t part = 0; part < BLOCK; part += LANES) {
                float *at = sums + y * BLOCK * planes + part;
                vec total[GRID_PLANES];
                for (int32_t k = 0; k < planes; k++) total[k] = *(const vec *)(at + k * BLOCK);
                for (int32_t b = c->columns.first; b < c->columns.last; b++) {
                    vec w = *(const vec *)((*weights)[b] + part);
                    for (int32_t k = 0; k < planes; k++) total[k] += w * features[b][k];
                }
                for (int32_t k = 0; k < planes; k++) *(vec *)(at + k * BLOCK) = total[k];
            }
    }
}

typedef struct window { /* the cells in and around a tile that grids have */
    int64_t column, row;         /* the first around the tile, be it in the grids or not */
    int64_t x0, y0, x1, y1;      /* those that are */
} window;

static int32_t number_at(const core_grids *g, int64_t x, int64_t y) { return g->numbers[(y - g->row) * g->columns + x - g->column]; }

static void make_features(const core_grids *g, int32_t level, const int16_t *colours, int32_t count, float (*features)[GRID_PLANES]) {
    int32_t channels = g->steps->channels, index[CORE_MAX_CHANNELS];
    for (int32_t i = 0; i < count; i++) {
        for (int32_t k = 0; k < channels; k++) index[k] = colours[k * count + i];
        colour_of(g->steps, level, index, features[i]);
        features[i][channels] = 1.0f;
    }
}

static int32_t fill_features(const core_grids *g, const window *w, grid_features *features) {
    int32_t channels = g->steps->channels;
    for (int64_t y = w->y0; y < w->y1; y++)
        for (int64_t x = w->x0; x < w->x1; x++) {
            int32_t number = number_at(g, x, y);
            int64_t place = (y - g->row) * g->columns + x - g->column;
            if (number >= g->busy) return CORE_INVALID;
            if (number == CORE_NO_CELL) continue;
            make_features(g, COARSE_LEVEL, g->coarse + place * channels * GRID_COARSE * GRID_COARSE, GRID_COARSE * GRID_COARSE,
                          features->coarse[y - w->row][x - w->column]);
            if (number >= 0)
                make_features(g, FINE_LEVEL, g->fine + (int64_t)number * channels * GRID_FINE * GRID_FINE, GRID_FINE * GRID_FINE,
                              features->fine[y - w->row][x - w->column]);
        }
    return CORE_OK;
}

/* Means in a cell before the end of a grid with `pitch` px between them. */
static int32_t shown(int64_t cell, int32_t pitch, int64_t end) {
    return (int32_t)max64(0, min64(GRID_CELL / pitch, (end + pitch - 1) / pitch - cell * (GRID_CELL / pitch)));
}

/* Adds one grid of some cells of a tile of latents to the block of the cells in column x. */
static inline void add_grid(const core_grids *g, const window *w, const grid_features *features, int32_t fine, const int64_t part[4], int64_t x, int64_t top,
                            int64_t height, float *sums, const int32_t planes) {
    const both_weights *both = (const both_weights *)(const void *)g->weights;
    cell c = {.grid = fine ? &both->fine : &both->coarse, .side = fine ? GRID_FINE : GRID_COARSE};
    int32_t pitch = GRID_CELL / c.side, rows = (int32_t)((height + GRID_CELL - 1) / GRID_CELL); /* of cells in the tile */
    for (int64_t cy = part[1]; cy < part[3]; cy++)
        for (int64_t cx = max64(part[0], x - 1); cx < min64(part[2], x + 2); cx++) {
            if (number_at(g, cx, cy) < (fine ? 0 : CORE_NOT_BUSY)) continue;
            int64_t i = cy - w->row;
            c.features = fine ? features->fine[i][cx - w->column] : features->coarse[i][cx - w->column];
            c.top = cy * GRID_CELL - top;
            c.beside = (int32_t)(x - cx) + 1;
            c.rows = reaching(c.side, i == 0 ? 1 : i > rows ? -1 : 0, shown(cy, pitch, g->height));
            c.columns = reaching(c.side, (int32_t)(x - cx), shown(cx, pitch, g->width));
            add_cell(sums, &c, height, planes);
        }
}

/* Adds all that reaches a tile, block by block. */
static int32_t add_blocks(const core_draw *t, const window *w, const grid_features *features, int64_t left, int64_t top, int64_t height, float *sums,
                          const int32_t planes) {
    const core_grids *g = t->grids;
    for (int64_t x = left / GRID_CELL; x < (left + CORE_TILE_WIDTH) / GRID_CELL; x++) {
        float *block = sums + (x * GRID_CELL - left) * HEIGHT * planes;
        if (stopped(t->stop)) return CORE_CANCELLED;
        for (int64_t tile_y = w->y0 / g->tile; tile_y * g->tile < w->y1; tile_y++)
            for (int64_t tile_x = w->x0 / g->tile; tile_x * g->tile < w->x1; tile_x++) {
                int64_t part[4] = {max64(w->x0, tile_x * g->tile), max64(w->y0, tile_y * g->tile), min64(w->x1, (tile_x + 1) * g->tile),
                                   min64(w->y1, (tile_y + 1) * g->tile)};
                for (int32_t fine = 0; fine < 2; fine++) add_grid(g, w, features, fine, part, x, top, height, block, planes);
            }
    }
    return CORE_OK;
}

int32_t ADD_GRIDS(const core_draw *t, int64_t left, int64_t top, int64_t height, float *sums) {
    const core_grids *g = t->grids;
    grid_features *features = (grid_features *)(void *)(sums + CORE_TILE_WIDTH * CORE_TILE_HEIGHT * CORE_MAX_PLANES);
    window w = {.column = left / GRID_CELL - 1, .row = top / GRID_CELL - 1};
    w.x0 = max64(w.column, g->column), w.x1 = min64(w.column + GRID_CELLS_ACROSS, g->column + g->columns);
    w.y0 = max64(w.row, g->row), w.y1 = min64(w.row + (height + GRID_CELL - 1) / GRID_CELL + 2, g->row + g->rows);
    if (w.x0 >= w.x1 || w.y0 >= w.y1) return CORE_OK;
    int32_t status = fill_features(g, &w, features);
    if (status != CORE_OK) return status;
    return t->channels == 1 ? add_blocks(t, &w, features, left, top, height, sums, 2) : add_blocks(t, &w, features, left, top, height, sums, 4);
}
