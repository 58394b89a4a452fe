/* What a fit minimizes if not squared error: losses of a whole picture that compare neighbourhoods, and their gradients by the pixels drawn.

   A picture is rows of planes (height, channels, stride) of a stride of floats that is a multiple of 16. Work is split into strips and bands that do not depend
   on the number of threads, and sums are made in a fixed order, so results are the same bits everywhere. Not a part of core.wasm. */
#ifndef SPLATC_CORE_LOSS_H
#define SPLATC_CORE_LOSS_H

#include "core.h"

enum { /* kinds of jobs */
    CORE_JOB_LOSS_TARGET = 10, /* core_loss: what follows from the target alone; its phases are those of core_loss_phases(task, 1, ..) */
    CORE_JOB_LOSS = 11,        /* core_loss: the gradient; core_loss_phases(task, 0, ..) */
    CORE_JOB_LOSS_CURVATURE = 14, /* core_loss, CORE_LOSS_MULTISCALE: the curvature into `gradient`; core_loss_phases(task, 2, ..) */
};

enum { /* losses */
    CORE_LOSS_L1_SSIM = 0,    /* 0.9 L1 + 0.1 (1 - SSIM): SmartSplat, section 3 */
    CORE_LOSS_MULTISCALE = 1, /* L1, squared differences, the same weighed by SSIM's sensitivity to them, and 1 - SSIM at 1/2, 1/4 and 1/8 of the size */
    CORE_LOSS_PHASES = 3,     /* of a job, at most */
};

typedef struct core_loss {
    int32_t loss;
    int32_t channels;              /* 1..CORE_MAX_CHANNELS */
    int64_t width, height, stride; /* 1..2^24, 1..2^24, a multiple of 16 */
    const void *samples;           /* (height, channels, stride) the target: uint8 or uint16; a sample times the unit lies in [0, 1] */
    const float *drawn;            /* (height, channels, stride) in [0, 1], about; what lies behind the width is not read; for the gradient only */
    float *gradient;               /* result (height, channels, stride): by drawn, times the number of samples; 0 behind the width */
    int32_t every, first;          /* of CORE_LOSS_MULTISCALE only the rows first, first + every .. of the gradient are made; else 1 and 0 */
    int32_t depth;                 /* of the target's samples: 8 or 16 */
    float unit;
    int32_t workers;
    int32_t unused;
    uint8_t *workspace; /* aligned to 64 bytes; from the job of the target to those of its gradients it is to stay as it is */
    int64_t workspace_bytes;
} core_loss;

/* Bytes of the workspace, or -1 if the loss, the channels, the sizes or the workers are wrong: about 12 a sample. */
CORE_API int64_t core_loss_workspace(const core_loss *task);

/* The items that end each phase (CORE_LOSS_PHASES) of the job of the gradient (0), of the target (1) or of the curvature (2); returns how many
   phases there are, or -1. */
CORE_API int32_t core_loss_phases(const core_loss *task, int32_t what, int64_t *phases);

/* The curvature k of a sample: a change d of the samples adds the sum of k d^2 to what the gradient says, about. It follows from the target alone: SSIM loses
   d^2 / (2 variance + C2) where d is small and changes little from sample to sample. */

/* After the job of the gradient: the loss, and the sum of squared differences of all samples; of those of the rows of the gradient, for them all. */
CORE_API int32_t core_loss_value(const core_loss *task, double *value, double *squares);

#endif
