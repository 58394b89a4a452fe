/* How near two pictures are: sums of squared differences, and SSIM at several scales (splatc/metrics.py). Deterministic as the losses are; not a part of core.wasm. */
#ifndef SPLATC_CORE_METRIC_H
#define SPLATC_CORE_METRIC_H

#include "core.h"

enum { /* kinds of jobs */
    CORE_JOB_SQUARES = 12,    /* core_squares: items are CORE_SQUARES_CHUNK samples each */
    CORE_JOB_SIMILARITY = 13, /* core_similarity: the phases of core_similarity_phases */
};

enum { CORE_SQUARES_CHUNK = 1 << 18, CORE_METRIC_SCALES = 5 };

typedef struct core_squares {
    const void *a, *b; /* (count) uint8 or uint16 */
    int64_t count;
    int64_t *sums; /* result: of (a - b)^2, one an item */
    int32_t depth; /* of the samples: 8 or 16 */
    int32_t unused;
} core_squares;

typedef struct core_similarity { /* of one channel of two pictures */
    const void *a, *b;           /* (height, width, channels) uint8 or uint16 */
    int64_t width, height;       /* 1..2^24 */
    int32_t channels, channel;
    int32_t depth; /* 8 or 16 */
    int32_t workers;
    uint8_t *workspace; /* aligned to 64 bytes */
    int64_t workspace_bytes;
} core_similarity;

/* Bytes of the workspace: the scaled-down versions, 8 bytes for each of their samples; or -1 if sizes or workers are wrong. */
CORE_API int64_t core_similarity_workspace(const core_similarity *task);

/* The items that end each of the two phases: phases (2). */
CORE_API int32_t core_similarity_phases(const core_similarity *task, int64_t *phases);

/* After the job: the scales, halves of halves, that have room for a window of 11 (at least one; under 11 pixels the window is cut to the largest odd length that
   fits), or -1. Of each the means, over all positions of a Gaussian window within the picture, of the contrast-structure term and of that times the
   luminance term: (CORE_METRIC_SCALES) each. */
CORE_API int32_t core_similarity_means(const core_similarity *task, double *structure, double *similarity);

#endif
