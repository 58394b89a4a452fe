/* What happens to a picture before the first step of a fit: polyphase subsets, reduction, features, draws, neighbours, first colours.

   Pictures are (height, width, channels): samples of one or two bytes, or floats in [0, 1]. Points are (count, 2) floats, x and y in px. Whatever is
   said of threads, instruction sets and errors in core.h holds here too; SmartSplat is Li et al., AAAI 2026. */
#ifndef SPLATC_CORE_SEED_H
#define SPLATC_CORE_SEED_H

#include "core.h"

enum {
    CORE_JOB_SUM = 16,      /* core_sum: items are bands of CORE_SEED_ROWS rows */
    CORE_JOB_REDUCE = 17,   /* core_reduce: bands of CORE_SEED_ROWS rows of the result */
    CORE_JOB_SPLIT = 18,    /* core_split: bands of CORE_SEED_ROWS rows of the picture */
    CORE_JOB_FEATURES = 19, /* core_features: bands of CORE_SEED_ROWS rows of the tile */
    CORE_JOB_COLOURS = 20,  /* core_colours: CORE_SEED_POINTS Gaussians each */
    CORE_JOB_NEAREST = 21,  /* core_nearest: CORE_SEED_POINTS points each */
    CORE_SEED_ROWS = 16,
    CORE_SEED_POINTS = 128,
    CORE_STATISTICS = 4,  /* of the features of a band: sum and maximum of the gradient, sum and maximum of the variance */
    CORE_MOST_NEAREST = 8,
    CORE_MAX_REDUCTION = 64,
};

typedef struct core_sum { /* sums of the samples of each band */
    const void *pixels;
    int64_t width, height;
    int32_t channels, sample_bytes;
    int64_t *sums; /* (bands, channels) */
} core_sum;

typedef struct core_reduce { /* means of boxes of reduction x reduction px; those at the far borders may be smaller */
    const void *pixels;
    int64_t width, height;
    int32_t channels, sample_bytes;
    int64_t reduction; /* 1..CORE_MAX_REDUCTION */
    float *means;      /* (ceil(height / reduction), ceil(width / reduction), channels) */
    float unit;        /* what a sample of 1 stands for */
    int32_t unused;
} core_reduce;

typedef struct core_split { /* all polyphase subsets: pixel (x, y) is sample (x / r, y / r) of subset (x % r, y % r), r the reduction */
    const void *pixels;
    int64_t width, height;
    int32_t channels, sample_bytes;
    int64_t reduction;    /* 1..CORE_MAX_REDUCTION */
    int64_t rows, stride; /* of each subset at least ceil(height / r), ceil(width / r) */
    /* (min(r, height), min(r, width), rows, channels, stride): subsets by y % r and x % r, in rows of planes, 0 behind the end of each plane. Rows that a
       subset lacks are left as they are. */
    void *subsets;
} core_split;

typedef struct core_features { /* of the pixels x0 <= x < x1, y0 <= y < y1: SmartSplat, section 3, "Variational sampling" */
    const float *image;
    int64_t width, height;
    int64_t x0, y0, x1, y1;
    int32_t channels;
    float gradient_share, variance_share, floor; /* weight = shares times features; a pixel is drawn in proportion to weight + floor */
    double *statistics; /* (bands, CORE_STATISTICS), or NULL: weights and arrivals are made instead */
    float *weight;      /* (y1 - y0, x1 - x0) */
    /* (y1 - y0, x1 - x0) bits of an exponential variate over weight + floor, which order as it does: the smallest are a draw without replacement
       (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006). */
    uint32_t *arrival;
    uint64_t seed; /* of the variates, which depend on it and on the place of the pixel */
} core_features;

typedef struct core_colours { /* per channel the median of the pixels weighted by exp(-d^2 / (2 scale^2)), d the distance to the mean */
    const float *image;
    int64_t width, height, count;
    int32_t channels, unused;
    const float *mean;  /* (count, 2) px */
    const float *scale; /* (count) px */
    float *colour;      /* (count, channels) */
} core_colours;

typedef struct core_nearest { /* root mean square distances to the points that are nearest but for the nearest of all, the point itself */
    const uint8_t *tree;
    int64_t tree_points;  /* that the tree was made of */
    const float *points;  /* (count, 2), among those of the tree */
    int64_t count;
    int32_t neighbours;   /* 1..CORE_MOST_NEAREST, and less than tree_points */
    int32_t unused;
    float *distance;      /* (count) px */
} core_nearest;

typedef struct core_apart { /* which candidates keep a distance to all points, and to the candidates that were accepted before them */
    const float *points;     /* (point_count, 2), in 0..width, 0..height as are all */
    const float *candidates; /* (candidate_count, 2) */
    int64_t point_count, candidate_count;
    double width, height, radius; /* px */
    int64_t columns, rows; /* of a grid of cells over the picture, none smaller than the radius unless there is one alone */
    int32_t *heads;        /* (rows, columns), a workspace */
    int32_t *links;        /* (point_count + candidate_count), a workspace */
    uint8_t *accepted;     /* (candidate_count) result: 1 or 0 */
} core_apart;

/* The `wanted` smallest of count < 2^31 keys, of equal ones the first: chosen (wanted) are their places, ascending. */
CORE_API int32_t core_choose_smallest(const uint32_t *keys, int64_t count, int64_t wanted, int64_t *chosen);

/* Scales of Gaussians at detail of some weight (count): base exp(-weight / 2), px. */
CORE_API int32_t core_shrink_scales(const float *weight, int64_t count, float base, float *scale);

/* Numbers of points by the Morton code of the cells that they lie in, those of a cell in their order: order (count). Cells have a side of 1 / factor px, and
   the first begins at (left, top). `workspace` has core_order_workspace(count) bytes, aligned to 64. */
CORE_API int64_t core_order_workspace(int64_t count);
CORE_API int32_t core_order_points(const float *points, int64_t count, double left, double top, double factor, int32_t *order,
                                   uint8_t *workspace, int64_t workspace_bytes);

/* A tree for core_nearest, of points (count) and their order by any space-filling curve: core_tree_bytes(count) bytes, aligned to 64. */
CORE_API int64_t core_tree_bytes(int64_t count);
CORE_API int32_t core_make_tree(const float *points, const int32_t *order, int64_t count, uint8_t *tree, int64_t tree_bytes);

CORE_API int32_t core_keep_apart(const core_apart *task);

/* Among the files of the fit: pool.c runs them as the kinds above. core_struct_bytes knows the structs, in their order, by the numbers from 40 on. */
int32_t sum_band(const core_sum *task, int64_t band);
int32_t reduce_band(const core_reduce *task, int64_t band);
int32_t split_band(const core_split *task, int64_t band);
int32_t find_features(const core_features *task, int64_t band);
int32_t find_colours(const core_colours *task, int64_t chunk);
int32_t find_nearest(const core_nearest *task, int64_t chunk);

/* seed_features.c and seed_colours.c, once for each instruction set; seed_levels.c chooses */
int32_t find_features_v2(const core_features *task, int64_t band);
int32_t find_features_v3(const core_features *task, int64_t band);
int32_t find_features_v4(const core_features *task, int64_t band);
int32_t find_features_base(const core_features *task, int64_t band);
int32_t find_colours_v2(const core_colours *task, int64_t chunk);
int32_t find_colours_v3(const core_colours *task, int64_t chunk);
int32_t find_colours_v4(const core_colours *task, int64_t chunk);
int32_t find_colours_base(const core_colours *task, int64_t chunk);

#endif
