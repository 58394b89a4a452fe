/* What the files of the encoder's predictions share. */
#ifndef SPLATC_CORE_PACK_SEARCH_H
#define SPLATC_CORE_PACK_SEARCH_H

#include "internal.h"

typedef struct places { /* a section whose Gaussians are predicted */
    const core_steps *steps;
    search search;
    const int32_t *leaves; /* (leaves, 3, 8) x, y, index of the points of each leaf */
    const gaussian_arrays *arrays;
} places;

/* Makes the residuals of the section's own among the places first .. last - 1 in Morton order; in library.c with the instruction set that was chosen. */
void predict_places(const places *task, int64_t first, int64_t last);

void predict_places_v2(const places *task, int64_t first, int64_t last);
void predict_places_v3(const places *task, int64_t first, int64_t last);
void predict_places_v4(const places *task, int64_t first, int64_t last);
void predict_places_base(const places *task, int64_t first, int64_t last);

#endif
