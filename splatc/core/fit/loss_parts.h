/* What the files of the losses share: how the workspace is divided, and the parts that are compiled once for each instruction set. */
#ifndef SPLATC_CORE_LOSS_PARTS_H
#define SPLATC_CORE_LOSS_PARTS_H

#include "internal.h"
#include "loss.h"
#include "window.h"

enum {
    SCALES = 4,
    MARGIN = 64,    /* floats around planes and columns, all 0: strips read a window and a vector farther than the picture reaches */
    BAND_ROWS = 64, /* of a band of full size, a multiple of 2^(SCALES - 1): what it is at other scales is its own */
    SUMS = 3,       /* doubles that an item leaves */
};

static const float C1 = 1e-4f, C2 = 9e-4f; /* of SSIM, for pixels in [0, 1] */
static const double SSIM_WEIGHT = 0.1;     /* of CORE_LOSS_L1_SSIM */
/* Of CORE_LOSS_MULTISCALE. What squared differences weighed by SSIM's sensitivity have is about what MS-SSIM gives the full size: 4.5 %. Those as they are keep
   what SSIM hardly sees, contrast and edges: +0.8 dB and a GMSD 5 % smaller, for 0.001 of MS-SSIM (tools/README.md, "Squared error beside SSIM"). */
static const double L1_WEIGHT = 0.1, SQUARED_WEIGHT = 0.05, PLAIN_WEIGHT = 7.5;
static const double SCALE_WEIGHTS[SCALES] = {0.0, 0.3, 0.4, 0.3};
/* Of what the SSIM of reduced sizes would lose by a change that is the same all over a window. Of 960 Gaussians pruned alone, costs and the loss's rise have a
   rank correlation of 0.983; with 0.25 or 1 of 0.956 and 0.977 (tools/README.md, "The loss decides what is pruned"). */
static const double SMOOTH = 0.5;

typedef struct loss_scale { /* planes (height, channels, stride) */
    int64_t width, height, stride;
    float *drawn, *target, *gradient; /* at scales below the full one */
    float *mean, *variance;           /* of the target over the window around each sample; the mean is less 0.5; where SSIM is looked at */
    float *fit_x, *fit_y; /* (width), 0 on both sides, and (height): what a sum over that part of the window that lies within the picture is multiplied with */
} loss_scale;

typedef struct loss_layout {
    loss_scale scale[SCALES];
    int32_t first, last; /* scales of SSIM */
    float *sensitivity;  /* (height, channels, stride of scale 0) of SSIM to a squared difference */
    double *sums;        /* (items of the gradient's job, SUMS): first those of the strips: SSIM, |x - y|, (x - y)^2; then of the bands: |x - y|,
                            sensitivity (x - y)^2, (x - y)^2 */
    float *rows;         /* (workers, row_floats) */
    int64_t row_floats;
    int64_t bytes;
} loss_layout;

typedef struct loss_strip { /* some columns of some rows of a plane */
    int32_t scale, channel;
    int64_t left, right;  /* whole blocks */
    int64_t top, bottom;
} loss_strip;

typedef void strip_part(const core_loss *task, const loss_layout *layout, const loss_strip *strip, float *rows, double *sums);
typedef void band_part(const core_loss *task, const loss_layout *layout, int64_t band, float *rows, double *sums);

typedef struct loss_strips { /* loss_ssim.c */
    strip_part *measure;     /* target: mean and variance */
    strip_part *weigh;       /* target: sensitivity; at reduced sizes that times their weight in the curvature, in place of a gradient */
    strip_part *compare;     /* SSIM, and its gradient */
} loss_strips;

typedef struct loss_bands { /* loss_bands.c */
    band_part *halve_target, *halve_drawn;
    band_part *finish; /* the gradients of all scales, and differences at full size */
    band_part *bend;   /* the curvature, of all scales */
} loss_bands;

extern const loss_strips loss_strips_v2, loss_strips_v3, loss_strips_v4, loss_strips_base;
extern const loss_bands loss_bands_v2, loss_bands_v3, loss_bands_v4, loss_bands_base;

/* loss.c: an item of a job */
int32_t run_loss_target(const core_loss *task, int64_t item, int32_t worker);
int32_t run_loss(const core_loss *task, int64_t item, int32_t worker);
int32_t run_loss_curvature(const core_loss *task, int64_t item, int32_t worker);

/* A row of a plane. */
static inline float *plane_row(float *planes, const loss_scale *s, int32_t channels, int64_t row, int32_t channel) {
    return planes + (row * channels + channel) * s->stride;
}

static inline const float *drawn_row(const core_loss *t, const loss_layout *layout, int32_t scale, int64_t row, int32_t channel) {
    if (scale == 0) return t->drawn + (row * t->channels + channel) * t->stride;
    return plane_row(layout->scale[scale].drawn, &layout->scale[scale], t->channels, row, channel);
}

/* The target in [0, 1] from column `first` on, up to `last`: where it lies, or converted into `room`. */
static inline const float *target_row(const core_loss *t, const loss_layout *layout, int32_t scale, int64_t row, int32_t channel, int64_t first,
                                      int64_t last, float *restrict room) {
    int64_t at = (row * t->channels + channel) * t->stride + first;
    if (scale > 0) return plane_row(layout->scale[scale].target, &layout->scale[scale], t->channels, row, channel) + first;
    if (t->depth == 8)
        convert_bytes((const uint8_t *)t->samples + at, last - first, t->unit, room);
    else
        convert_words((const uint16_t *)t->samples + at, last - first, t->unit, room);
    return room;
}

#endif
