/* Refinement of latents, for the encoder (spec/latent.md). */
#ifndef SPLATC_CORE_REFINE_H
#define SPLATC_CORE_REFINE_H

#include "core.h"

enum { CORE_REFINE_BLOCK = 8 }; /* cells a side of a block; a tile is some of them */

typedef struct core_refinement { /* one block of a picture, and what is around it */
    const core_latent_network *network;
    const void *pixels;     /* (height, width, channels) of 8 or 16 bits, gray or RGB */
    int16_t *latents;       /* (latents, rows, columns) of the picture; those of the block are changed */
    const float *costs;     /* (CORE_LATENT_TABLES, CORE_RESIDUALS) bits of each symbol */
    const float *kernels;   /* (16, 16) and (8, 8) weights of a coarse and of a fine Gaussian at the pixels around its middle */
    const float *products;  /* (2, 2, 64 x 64 + 16 x 16) of what pairs of latents of a cell draw, luma and chroma, for x of 1: by whether the cell is busy,
                               and those around it */
    const float *gains;     /* (CORE_LATENTS) x of a latent of 1 */
    int64_t width, height;  /* px */
    int64_t column, row;    /* of the first cell of the block, multiples of CORE_REFINE_BLOCK */
    int32_t channels, most; /* 1 or 3; the largest sample, 255 or 65535 */
    int32_t q, only_measured; /* the latter: whether nothing is changed */
    float worth;            /* bits that a squared difference of a coded channel is worth, in steps of a colour */
    int32_t unused;
    double error;           /* result: squared differences in the pixels of the block */
    uint8_t *workspace;     /* core_refine_workspace() bytes, aligned to 64 */
    int64_t workspace_bytes;
} core_refinement;

CORE_API int64_t core_refine_workspace(void);
/* Once through the cells of a block: bits plus worth times error of the picture do not rise. Blocks that are neighbours, also by a corner, must not be
   refined at the same time. */
CORE_API int32_t core_refine(core_refinement *task);

#endif
