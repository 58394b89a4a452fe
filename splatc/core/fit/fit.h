/* The fit of Gaussians to a picture: one step of gradient descent, one call.

   A step looks at one polyphase subset of the picture, the pixels (x0 + i r, y0 + j r); lengths on it are in samples. The Gaussians are
   drawn on tiles of it; in the same tile the difference to the samples gives the gradient of the sums, and each Gaussian of the tile adds up what lies under
   it. Its sums over all tiles give its gradient, Adam its step. Sums are made in an order that depends on tiles and lanes alone: the result is
   the same to the last bit for any number of threads and any instruction set. */
#ifndef SPLATC_CORE_FIT_H
#define SPLATC_CORE_FIT_H

#include "core.h"

enum {
    CORE_JOB_FIT = 4, /* core_fit: items and phases as core_fit_phases says */

    CORE_FIT_STEP = 0,   /* squared error: draw, compare, move the Gaussians */
    CORE_FIT_DRAW = 1,   /* draw into `image` and `weight` */
    CORE_FIT_MOVE = 2,   /* after CORE_FIT_DRAW of the same Gaussians: move them by the `gradient` of whatever loss */
    CORE_FIT_COSTS = 3,  /* how much the squared error would rise without each Gaussian: `cost` */
    CORE_FIT_ERRORS = 4, /* draw, and leave the squared differences in `weight`, times the `curvature` if there is one */
    CORE_FIT_LOSS_COSTS = 5, /* after CORE_FIT_DRAW of the same Gaussians: how much a loss of that `gradient` and `curvature` would rise without each: `cost` */

    CORE_FIT_CHUNK = 256, /* Gaussians of an item */
    CORE_FIT_TILE_WIDTH = 64,
    CORE_FIT_TILE_HEIGHT = 64,
    CORE_FIT_SUMS = 10, /* of a Gaussian in a tile, h the gradient of its exponent: h dx, h dy, h dx^2, h dx dy, h dy^2; then the gradient by plane */
    CORE_FIT_PHASES = 4,

    CORE_FROZEN_MEAN = 1,
    CORE_FROZEN_LOG_SCALE = 2,
    CORE_FROZEN_ASPECT = 4,
    CORE_FROZEN_ANGLE = 8,
    CORE_FROZEN_COLOUR = 16,
    CORE_FROZEN_SHAPE = 15, /* all but the colour */
    CORE_FROZEN_ALL = 31,
};

typedef struct core_fit_widths { /* quantizer steps of all attributes in their own units (spec/quantization.md), as floats */
    float position[CORE_MAX_LEVELS];                  /* px */
    float colour[CORE_MAX_LEVELS][CORE_MAX_CHANNELS]; /* of full range */
    float angle[CORE_MAX_LEVELS][CORE_ASPECTS];       /* rad */
    float offsets[CORE_ASPECTS];                      /* sub-cell offsets of a cell */
    float log_scale, aspect;                          /* of ln g, of ln(s1 / s2) */
} core_fit_widths;

CORE_API int32_t core_fit_make_widths(const core_steps *steps, core_fit_widths *widths);

typedef struct core_fit_adam { /* Kingma and Ba 2015; rates in units of each Gaussian (splatc/fit/engine.py) */
    float mean, log_scale, aspect, angle, colour; /* rates: of s1 along and s2 across; of ln g; of ln(s1 / s2); rad of a round one; of full range */
    float beta1, beta2, unbias1, unbias2;         /* unbias: 1 / (1 - beta^steps) */
    float epsilon;
    float end_x, end_y;            /* px: largest mean */
    float least_scale, most_scale; /* of ln g */
    float most_aspect;             /* of |ln(s1 / s2)| */
    int32_t moving;                /* CORE_FROZEN_ bits of the attributes that move in some Gaussian */
} core_fit_adam;

typedef struct core_fit_rate { /* the gradient of lambda R, R the bits of colours and aspect ratios (splatc/fit/rate.py) */
    const float *predicted;             /* (channels, count) predicted colours, in the coded space */
    const float *colour_step;           /* (channels, count) */
    float by_colour[CORE_MAX_CHANNELS]; /* lambda times bits by step away from the prediction */
    float aspect_step, by_aspect;
    float soft;                         /* steps: nearer than that to its prediction a value is changed less and less */
    int32_t unused;
} core_fit_rate;

enum {
    CORE_NETWORK_FEATURES = 30, /* of a Gaussian (fit_move.c) */
    CORE_NETWORK_HIDDEN = 64,   /* units of a layer, at most; a multiple of 8 */
};

typedef struct core_fit_network { /* moves Gaussians of a colour picture in place of Adam (fit_network.h) */
    const float *weights;         /* by layer, by 8 outputs: their biases, then for each input their weights */
    int64_t hidden;               /* units of the first and second layer */
    float gain;                   /* of the steps that it says */
    float log_age;                /* ln of one more than the steps so far */
    float log_base;               /* ln of the side of a Gaussian's share of the picture, px */
    float unused;
} core_fit_network;

typedef struct core_fit_placed { /* a Gaussian on a subset, samples; weights are 2^(a dx^2 + b dx dy + c dy^2) */
    float x, y;                     /* mean */
    float a, b, c;
    float extent_x, extent_y;       /* half sides of the box around the ellipse where it ends */
    float u_x, u_y, v_x, v_y;       /* the axes: weights are also 2^-(u^2 + v^2) */
    float feature[CORE_MAX_PLANES]; /* what a weight of 1 adds to each plane: colours, then 1 in the normalized blend */
    float curve;                    /* 2^(2 c): by it the ratio of the weights of two rows grows from row to row */
    float apex;                     /* dx where the ellipse is lowest */
    float narrowing, per_c;         /* (4 a c - b^2) / (2 c)^2, 1 / (2 c): of its lower and upper ends above dx (fit_tile.c) */
} core_fit_placed;

typedef struct core_fit {
    int32_t what; /* CORE_FIT_STEP.. */
    int32_t channels, normalized;
    int32_t depth; /* of samples: 8 or 16 bits */
    int64_t count;
    float *values;                       /* (5 + channels, count): mean x, y (px), ln g, ln(s1 / s2), angle (rad), colours in the coded space */
    float *first, *second;               /* (5 + channels, count) Adam's moments */
    const uint8_t *frozen;               /* (count) CORE_FROZEN_ bits of what moves no more and has no noise */
    int64_t width, height;               /* of the subset, samples */
    int64_t stride;                      /* of a row of a plane: at least `width`, a multiple of 16 */
    const void *samples;                 /* (height, channels, stride) */
    float unit;                          /* samples * unit lie in [0, 1] */
    float background[CORE_MAX_CHANNELS]; /* where no Gaussian is, in the normalized blend */
    float origin_x, origin_y;            /* px: where the subset's coordinates are 0, 0 */
    float reduction;                     /* r: px of a sample */
    uint32_t seed, step;                 /* of the noise */
    const core_fit_widths *widths;       /* the Gaussians are drawn with uniform noise of one step, or, with NULL, as they are */
    const core_fit_adam *adam;           /* for a step or a move */
    const core_fit_rate *rate;           /* or NULL */
    const core_fit_network *network;     /* or NULL; of three channels */
    core_fit_placed *placed;             /* (count) */
    int32_t *boxes;                      /* (count, 4) tiles that a Gaussian may reach: first column and row, one past the last column and row */
    int64_t *entry_starts;               /* (count + 1) */
    int64_t *tile_starts;                /* (tiles + 1) */
    int32_t *members;                    /* (entries) of each tile its Gaussians, ascending */
    float *sums;                         /* (entries, CORE_FIT_SUMS) by Gaussian and tile */
    int64_t entries;                     /* room; CORE_TOO_SMALL if it does not do, and nothing has moved */
    double *tile_squares;                /* (tiles) result: sums of squared differences; not of a draw */
    float *image;                        /* (height, channels, stride) result of CORE_FIT_DRAW */
    float *weight;                       /* (height, stride) its total weight, in the normalized blend; or squared differences */
    const float *gradient;               /* (height, channels, stride) for CORE_FIT_MOVE and CORE_FIT_LOSS_COSTS: of the loss by the image. There these,
                                            and the curvature, may be of a finer grid: from that of sample (0, 0) on, one of every `finer` samples and rows counts */
    const float *curvature;              /* (height, channels, stride) k: a change d of a sample adds k d^2 to what the gradient says (loss.h). For
                                            CORE_FIT_LOSS_COSTS; for CORE_FIT_ERRORS of the subset's grid, or NULL */
    float *cost;                         /* (count) result of CORE_FIT_COSTS and CORE_FIT_LOSS_COSTS, added to what is there */
    uint8_t *workspace;                  /* aligned to 64 bytes; core_fit_workspace() for each worker */
    int64_t workspace_bytes;
    int64_t needed;                      /* result: entries that there are */
    const int32_t *stop;                 /* set by another thread: do not go on; may be NULL */
    int32_t workers;
    int32_t finer; /* 1.. */
} core_fit;

CORE_API int64_t core_fit_workspace(void);

/* Tiles of a subset; -1 for one that is too large or empty. */
CORE_API int64_t core_fit_tiles(int64_t width, int64_t height);

/* How many phases the job of a task has, and the last item of each in `phases` (CORE_FIT_PHASES); -1 if the task is wrong. */
CORE_API int64_t core_fit_phases(const core_fit *task, int64_t *phases);

/* Runs an item of such a job. */
CORE_API int32_t core_fit_item(core_fit *task, int64_t item, int32_t worker);

#endif
