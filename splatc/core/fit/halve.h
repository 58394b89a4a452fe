/* Half of a picture: what the losses and the metrics of several scales look at. */
#ifndef SPLATC_CORE_HALVE_H
#define SPLATC_CORE_HALVE_H

#include <stdint.h>

/* Means of two rows by twos. A last column without a neighbour stands for both. */
static inline void halve_row(const float *restrict above, const float *restrict below, int64_t width, float *restrict out) {
    for (int64_t i = 0; i < width / 2; i++) out[i] = 0.25f * ((above[2 * i] + above[2 * i + 1]) + (below[2 * i] + below[2 * i + 1]));
    if (width % 2 == 1) out[width / 2] = 0.5f * (above[width - 1] + below[width - 1]);
}

#endif
