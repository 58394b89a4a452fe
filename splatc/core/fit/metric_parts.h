/* What the files of the metrics share: how the workspace is divided, and the parts that are compiled once for each instruction set. */
#ifndef SPLATC_CORE_METRIC_PARTS_H
#define SPLATC_CORE_METRIC_PARTS_H

#include "internal.h"
#include "metric.h"

enum {
    METRIC_BAND_ROWS = 64, /* of a band of full size, a multiple of 2^(CORE_METRIC_SCALES - 1): what it is at other scales is its own */
};

typedef struct metric_scale {
    int64_t width, height;
    float *a, *b;         /* (height, width) in units of the samples; below full size */
    int64_t across, down; /* positions of the window */
} metric_scale;

typedef struct metric_layout {
    metric_scale scale[CORE_METRIC_SCALES];
    int32_t scales;
    double *sums;  /* (strips of all scales, 2) */
    float *rows;   /* (workers, row_floats) */
    int64_t row_floats;
    int64_t bytes;
} metric_layout;

typedef struct metric_strip { /* some positions of the window at a scale */
    int32_t scale;
    int64_t left, right, top, bottom;
} metric_strip;

typedef struct metric_parts { /* metric_ssim.c */
    int64_t (*squares)(const core_squares *task, int64_t first, int64_t last);
    void (*halve)(const core_similarity *task, const metric_layout *layout, int64_t band, float *rows);
    void (*compare)(const core_similarity *task, const metric_layout *layout, const metric_strip *strip, float *rows, double *sums);
} metric_parts;

extern const metric_parts metric_parts_v2, metric_parts_v3, metric_parts_v4, metric_parts_base;

/* metric.c: an item of a job */
int32_t run_squares(const core_squares *task, int64_t item);
int32_t run_similarity(const core_similarity *task, int64_t item, int32_t worker);

#endif
