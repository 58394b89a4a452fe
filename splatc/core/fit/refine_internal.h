/* Refinement of latents: what its files share. */
#ifndef SPLATC_CORE_REFINE_INTERNAL_H
#define SPLATC_CORE_REFINE_INTERNAL_H

#include "internal.h"
#include "refine.h"

enum {
    LATENTS = CORE_LATENTS,
    LUMA = CORE_LATENT_LUMA,
    LOW = CORE_LATENT_LOW,
    MEANS = CORE_LATENT_MEANS,
    AROUND = 9,                               /* cells around a cell, itself among them, by rows */
    CELL = 16,                                /* px a side */
    COARSE = 4, FINE = 8,                     /* Gaussians a side of a cell */
    COARSE_KERNEL = 16, FINE_KERNEL = 8,      /* px a side of what a Gaussian touches */
    FAR = 3,                                  /* cells around those of a block whose latents are looked at */
    DRAWN = 2,                                /* and whose Gaussians are */
    PLANES = 3,
    SIDE = CORE_REFINE_BLOCK + 2 * FAR,       /* cells of the arrays below */
    PIXELS = (CORE_REFINE_BLOCK + 2 * DRAWN) * CELL + 2 * COARSE_KERNEL,
    FRAME = 22,                               /* px around a cell that its latents can change */
    WINDOW = CELL + 2 * FRAME,
    TABLE_SPAN = 1 << 15,                     /* between the lowest and the highest threshold, at most */
};

/* A block of cells and what is around it. Cell (i, j) of the arrays is row top + i - FAR, column left + j - FAR of the picture. */
typedef struct block {
    const core_refinement *task;
    int32_t latents, planes;
    int64_t columns, rows; /* cells of the picture */
    float gains[LATENTS];  /* x of a latent of 1 */
    /* refine_rate.c */
    int32_t bias[LATENTS];
    uint8_t *table_of; /* (TABLE_SPAN + 1) by the distance from the lowest threshold, to below which the first entry belongs */
    int32_t (*scales)[LATENTS], (*means)[MEANS]; /* (SIDE^2) what is known of each latent */
    float (*bits)[LATENTS];                      /* (SIDE^2) what each takes */
    int16_t (*y)[LATENTS];                       /* (SIDE^2) */
    /* refine_draw.c: planes of PIXELS^2, pixel (0, 0) is DRAWN cells and COARSE_KERNEL px before the first cell */
    uint8_t *busy;           /* (SIDE^2) */
    float *weight, *present; /* sum of weights; whether a pixel is in the picture */
    float *sums[PLANES], *wanted[PLANES];
    float (*kept)[WINDOW * WINDOW]; /* (PLANES + 1) a window as it was */
} block;

/* What a change of the latents of one cell changes. */
typedef struct saved {
    int16_t y[LATENTS];
    int32_t scales[AROUND][LATENTS], means[AROUND][MEANS];
    float bits[AROUND][LATENTS];
    uint8_t busy;
} saved;

static inline int32_t is_inside(const block *b, int64_t row, int64_t column) { return row >= 0 && column >= 0 && row < b->rows && column < b->columns; }

/* The place in the arrays of the cell of the picture that is nearest to a row and column of them. */
static inline int32_t nearest_cell(const block *b, int32_t i, int32_t j) {
    int64_t top = b->task->row - FAR, left = b->task->column - FAR;
    int64_t row = max64(0, min64(b->rows - 1, top + i)), column = max64(0, min64(b->columns - 1, left + j));
    return (int32_t)(row - top) * SIDE + (int32_t)(column - left);
}

/* refine_rate.c */
void begin_rates(block *b);
/* Bits that all latents take more if latent c of a cell becomes `to`. */
float rate_of_change(const block *b, int32_t i, int32_t j, int32_t c, int32_t to);
void change_latent(block *b, int32_t i, int32_t j, int32_t c, int32_t to);
void save_rates(const block *b, int32_t i, int32_t j, saved *s);
void restore_rates(block *b, int32_t i, int32_t j, const saved *s);

/* refine_draw.c */
void begin_pixels(block *b);
/* Squared differences in the window of a cell, and in its own pixels. */
double window_error(const block *b, int32_t i, int32_t j);
double cell_error(const block *b, int32_t i, int32_t j);
/* Half of what the error falls by for each latent of a cell, if that grows by 1. */
void descent_of(const block *b, int32_t i, int32_t j, float *descent);
void draw_change(block *b, int32_t i, int32_t j, const int16_t *before);
void set_busy(block *b, int32_t i, int32_t j, uint8_t busy);
void save_window(block *b, int32_t i, int32_t j);
void restore_window(block *b, int32_t i, int32_t j);

#endif
