/* What the files of the fit share among themselves. */
#ifndef SPLATC_CORE_FIT_INTERNAL_H
#define SPLATC_CORE_FIT_INTERNAL_H

#include "fit.h"
#include "internal.h"

enum { REMEMBERED = 4096 }; /* rows of blocks of a tile, from drawing to gathering */

typedef struct rows { /* of a block that a Gaussian touches */
    int16_t first, last; /* one past the last */
    int32_t smooth;      /* the weight stays a normal float all over the block: its exponent is concave, so its minimum lies at a corner */
} rows;

/* Whether a task begins with what another one has drawn. */
static inline int32_t is_drawn(const core_fit *t) { return t->what == CORE_FIT_MOVE || t->what == CORE_FIT_LOSS_COSTS; }

/* Whether a task asks what each Gaussian is worth. */
static inline int32_t is_costs(const core_fit *t) { return t->what == CORE_FIT_COSTS || t->what == CORE_FIT_LOSS_COSTS; }

enum { MEAN_X, MEAN_Y, LOG_SCALE, LOG_ASPECT, ANGLE, COLOUR }; /* rows of the values */

/* fit_place.c, fit_tile.c, fit_move.c, once for each instruction set: Gaussians first .. last - 1, or a tile. */
#define DECLARE(level)                                                     \
    void fit_place_##level(core_fit *t, int64_t first, int64_t last);      \
    int32_t fit_tile_##level(core_fit *t, int64_t tile, int32_t worker);   \
    void fit_move_##level(core_fit *t, int64_t first, int64_t last);
DECLARE(v2)
DECLARE(v3)
DECLARE(v4)
DECLARE(base)

#endif
