/* The scales of a picture: means of 2 x 2, the way of a gradient back through them, and differences at full size. Compiled once for each instruction set.

   A band of full size has as many rows as have bands of their own at all scales, so that all of them are worked on while they lie in the cache. */
#include "halve.h"
#include "loss_parts.h"

#define LOSS_BANDS AT_LEVEL(loss_bands)

/* Rows of a band at a scale: first .. last - 1. */
static int64_t rows_of(const loss_scale *s, int32_t scale, int64_t band, int64_t *last) {
    *last = min64((band + 1) * (BAND_ROWS >> scale), s->height);
    return band * (BAND_ROWS >> scale);
}

/* Makes a band of a scale, of what was drawn or of the target, from the one above it. A last row without a neighbour stands for both. */
static void halve_scale(const core_loss *t, const loss_layout *layout, int32_t scale, int64_t band, int32_t of_target) {
    const loss_scale *fine = &layout->scale[scale - 1], *s = &layout->scale[scale];
    int64_t last, first = rows_of(s, scale, band, &last);
    for (int64_t row = first; row < last; row++)
        for (int32_t channel = 0; channel < t->channels; channel++) {
            int64_t below = min64(2 * row + 1, fine->height - 1);
            float *planes = of_target ? s->target : s->drawn, *from = of_target ? fine->target : fine->drawn;
            float *out = plane_row(planes, s, t->channels, row, channel);
            if (scale == 1) /* only what was drawn: the target has other samples at full size */
                halve_row(drawn_row(t, layout, 0, 2 * row, channel), drawn_row(t, layout, 0, below, channel), fine->width, out);
            else
                halve_row(plane_row(from, fine, t->channels, 2 * row, channel), plane_row(from, fine, t->channels, below, channel), fine->width, out);
            memset(out + s->width, 0, (size_t)(s->stride - s->width) * sizeof *out);
        }
}

/* Half of the target, from its samples; strip by strip, for what `rows` has room for. */
static void halve_samples(const core_loss *t, const loss_layout *layout, int64_t band, float *rows) {
    const loss_scale *s = &layout->scale[1];
    int64_t last, first = rows_of(s, 1, band, &last);
    for (int64_t row = first; row < last; row++)
        for (int32_t channel = 0; channel < t->channels; channel++) {
            float *out = plane_row(s->target, s, t->channels, row, channel);
            for (int64_t left = 0; left < t->width; left += STRIP) {
                int64_t right = min64(left + STRIP, t->width);
                const float *above = target_row(t, layout, 0, 2 * row, channel, left, right, rows);
                const float *below = target_row(t, layout, 0, min64(2 * row + 1, t->height - 1), channel, left, right, rows + LENGTH);
                halve_row(above, below, right - left, out + left / 2);
            }
            memset(out + s->width, 0, (size_t)(s->stride - s->width) * sizeof *out);
        }
}

static void halve_target(const core_loss *t, const loss_layout *layout, int64_t band, float *rows, double *sums) {
    (void)sums;
    halve_samples(t, layout, band, rows);
    for (int32_t scale = 2; scale < SCALES; scale++) halve_scale(t, layout, scale, band, 1);
}

static void halve_drawn(const core_loss *t, const loss_layout *layout, int64_t band, float *rows, double *sums) {
    (void)rows, (void)sums;
    for (int32_t scale = 1; scale < SCALES; scale++) halve_scale(t, layout, scale, band, 0);
}

/* The gradient of the columns left .. right - 1 of a row of a scale that comes from the scale below; `left` is even. Transpose of halving. */
static void spread_row(const core_loss *t, const loss_layout *layout, int32_t scale, int64_t row, int32_t channel, int64_t left, int64_t right,
                       float *restrict out) {
    const loss_scale *s = &layout->scale[scale], *coarse = &layout->scale[scale + 1];
    const float *restrict from = plane_row(coarse->gradient, coarse, t->channels, row / 2, channel) + left / 2;
    float share = s->height % 2 == 1 && row == s->height - 1 ? 0.5f : 0.25f;
    for (int64_t i = 0; i < (right - left) / 2; i++) {
        float each = share * from[i];
        out[2 * i] = each;
        out[2 * i + 1] = each;
    }
    if ((right - left) % 2 == 1) out[right - left - 1] = 2.0f * share * from[(right - left) / 2];
}

/* Adds what comes from the scale below to the gradient of a band of a scale. */
static void add_coarser(const core_loss *t, const loss_layout *layout, int32_t scale, int64_t band, float *rows) {
    const loss_scale *s = &layout->scale[scale];
    int64_t last, first = rows_of(s, scale, band, &last);
    for (int64_t row = first; row < last; row++)
        for (int32_t channel = 0; channel < t->channels; channel++) {
            float *out = plane_row(s->gradient, s, t->channels, row, channel);
            for (int64_t left = 0; left < s->width; left += STRIP) {
                int64_t right = min64(left + STRIP, s->width);
                spread_row(t, layout, scale, row, channel, left, right, rows);
                for (int64_t i = 0; i < right - left; i++) out[left + i] += rows[i];
            }
        }
}

/* A piece of a row of the gradient at full size; `coarser` (LENGTH) is what comes from the scale below, `y` (LENGTH) the target. */
static void differ(const core_loss *t, const loss_layout *layout, int64_t row, int32_t channel, int64_t left, int64_t count, const float *coarser,
                   const float *y, double *sums) {
    const loss_scale *s = &layout->scale[0];
    int64_t at = (row * t->channels + channel) * t->stride + left;
    const float *fit_x = s->fit_x + left, *sensitivity = plane_row(layout->sensitivity, s, t->channels, row, channel) + left;
    const float slope = (float)L1_WEIGHT, steep = (float)(2.0 * SQUARED_WEIGHT), plain = (float)(2.0 * PLAIN_WEIGHT);
    block absolute = {0}, weighed = {0}, squares = {0};
    for (int64_t from = 0; from < count; from += BLOCK)
        for (int32_t k = 0; k < VECTORS; k++) {
            int64_t i = from + k * LANES;
            ivec inside = load(fit_x + i) > splat(0.0f);
            vec d = (vec)((ivec)(load(t->drawn + at + i) - load(y + i)) & inside), minded = load(sensitivity + i) * d;
            store(t->gradient + at + i, sign_of(d, slope) + (steep * minded + plain * d) + (vec)((ivec)load(coarser + i) & inside));
            absolute.part[k] += absolute_of(d);
            weighed.part[k] += minded * d;
            squares.part[k] += d * d;
        }
    sums[0] += block_total(&absolute);
    sums[1] += block_total(&weighed);
    sums[2] += block_total(&squares);
}

static void finish(const core_loss *t, const loss_layout *layout, int64_t band, float *rows, double *sums) {
    int64_t last, first = rows_of(&layout->scale[0], 0, band, &last);
    float *room = rows + LENGTH;
    for (int32_t scale = SCALES - 2; scale > 0; scale--) add_coarser(t, layout, scale, band, rows);
    memset(rows, 0, 2 * LENGTH * sizeof *rows);
    first += ((t->first - first) % t->every + t->every) % t->every;
    for (int64_t row = first; row < last; row += t->every)
        for (int32_t channel = 0; channel < t->channels; channel++)
            for (int64_t left = 0; left < t->width; left += STRIP) {
                int64_t right = min64(left + STRIP, t->width);
                spread_row(t, layout, 0, row, channel, left, right, rows);
                const float *y = target_row(t, layout, 0, row, channel, left, right, room);
                differ(t, layout, row, channel, left, whole_blocks(right - left), rows, y, sums);
            }
    int64_t end = whole_blocks(t->width);
    for (int64_t row = first; row < last; row += t->every)
        for (int64_t k = row * t->channels; k < (row + 1) * t->channels; k++)
            memset(t->gradient + k * t->stride + end, 0, (size_t)(t->stride - end) * sizeof *t->gradient);
}

static void bend(const core_loss *t, const loss_layout *layout, int64_t band, float *rows, double *sums) {
    const loss_scale *s = &layout->scale[0];
    int64_t last, first = rows_of(s, 0, band, &last);
    (void)sums;
    for (int32_t scale = SCALES - 2; scale > 0; scale--) add_coarser(t, layout, scale, band, rows);
    for (int64_t row = first; row < last; row++)
        for (int32_t channel = 0; channel < t->channels; channel++) {
            const float *sensitivity = plane_row(layout->sensitivity, s, t->channels, row, channel);
            float *out = t->gradient + (row * t->channels + channel) * t->stride;
            for (int64_t left = 0; left < t->width; left += STRIP) {
                int64_t right = min64(left + STRIP, t->width);
                spread_row(t, layout, 0, row, channel, left, right, rows);
                for (int64_t i = left; i < right; i++) out[i] = rows[i - left] + ((float)SQUARED_WEIGHT * sensitivity[i] + (float)PLAIN_WEIGHT);
            }
            memset(out + t->width, 0, (size_t)(t->stride - t->width) * sizeof *out);
        }
}

const loss_bands LOSS_BANDS = {.halve_target = halve_target, .halve_drawn = halve_drawn, .finish = finish, .bend = bend};
