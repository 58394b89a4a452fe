/* Rate-distortion optimization of the integers of a fit: of each Gaussian the choice that lowers D + lambda R most, one after the other.

   The caller lists what each Gaussian might become, and what lambda times its bits changes by; how the squared error changes is measured on the pixels,
   as the other Gaussians are then. Those that share no samples may have their turns at once. Of the normalized blend alone. Sums have the order of 16 lanes: the same bits for any instruction set. */
#ifndef SPLATC_CORE_RDO_H
#define SPLATC_CORE_RDO_H

#include "core.h"

enum {
    CORE_JOB_RDO = 25,  /* core_rdo: items are turns */
    CORE_RDO_CELL = 16, /* px a side of what core_rdo_arrange divides the picture into */
    CORE_RDO_SHAPE = 5, /* numbers of a choice before its colour: mean x, y (px), scales s1, s2 (px; s1 = 0: no Gaussian), angle (rad) */
    CORE_RDO_PAD = 16,  /* samples behind the end of each row that are read, and never count */
};

typedef struct core_rdo {
    int64_t count, choices;
    const float *choice; /* (choices, count, CORE_RDO_SHAPE + channels): the first is the Gaussian as it is, the last without it; colours of full range */
    const double *price; /* (choices, count) lambda times bits, against the first; what is above 1e30 is not to be had */
    const int32_t *order; /* (count) the turns of the Gaussians */
    int64_t width, height, stride; /* of the picture, px; the stride is at least width + CORE_RDO_PAD */
    int32_t channels, unused;
    float *sums;         /* (channels + 1, height, stride) weighted colours of all Gaussians, and their weights; changed by what is chosen */
    const float *target; /* (channels, height, stride) */
    int32_t *chosen;     /* (count) result, by Gaussian */
    double *cost;        /* (count) result: what the squared error rises by without the Gaussian, as it was at its turn */
} core_rdo;

/* Adds the Gaussians first .. last - 1 to the sums, each as its first choice is. */
CORE_API int32_t core_rdo_draw(const core_rdo *task, int64_t first, int64_t last);

/* The squared error of all samples of full range, or -1. */
CORE_API double core_rdo_error(const core_rdo *task);

/* The turns first .. last - 1. */
CORE_API int32_t core_rdo_choose(const core_rdo *task, int64_t first, int64_t last);

/* In which wave each turn may be, from 0 on: Gaussians of one wave share no samples, and those that do keep the order of their turns.
   latest: (cell rows, cell columns) zeros, of CORE_RDO_CELL px, the last ones begun; wave: (count) result, by turn. */
CORE_API int32_t core_rdo_arrange(const core_rdo *task, int32_t *latest, int32_t *wave);

#endif
