/* Samples of a picture: their sums, means of boxes, and the polyphase subsets that the steps of a fit look at. */
#include "seed.h"

#include "internal.h"

enum { SPAN = 512 }; /* columns of the picture that are summed up at a time */

static inline int32_t sample_at(const void *pixels, int64_t i, int32_t wide) {
    return wide ? ((const uint16_t *)pixels)[i] : ((const uint8_t *)pixels)[i];
}

static int32_t pixels_are_sound(const void *pixels, int64_t width, int64_t height, int32_t channels, int32_t sample_bytes) {
    return pixels != NULL && width >= 1 && height >= 1 && width <= INT32_MAX && height <= INT32_MAX && channels >= 1 &&
           channels <= CORE_MAX_CHANNELS && (sample_bytes == 1 || sample_bytes == 2);
}

static int64_t bands_of(int64_t rows) { return (rows + CORE_SEED_ROWS - 1) / CORE_SEED_ROWS; }

static inline void add_samples(const core_sum *t, int64_t first, int64_t last, int64_t *sums, const int32_t channels, const int32_t wide) {
    for (int64_t i = first; i < last; i += channels)
        for (int32_t c = 0; c < channels; c++) sums[c] += sample_at(t->pixels, i + c, wide);
}

int32_t sum_band(const core_sum *t, int64_t band) {
    if (!pixels_are_sound(t->pixels, t->width, t->height, t->channels, t->sample_bytes) || t->sums == NULL || band < 0 || band >= bands_of(t->height))
        return CORE_INVALID;
    int64_t line = t->width * t->channels, first = band * CORE_SEED_ROWS * line, last = min64((band + 1) * CORE_SEED_ROWS, t->height) * line;
    int64_t sums[CORE_MAX_CHANNELS] = {0};
    if (t->channels == 3 && t->sample_bytes == 1) /* with constants, 4 times as fast */
        add_samples(t, first, last, sums, 3, 0);
    else
        add_samples(t, first, last, sums, t->channels, t->sample_bytes == 2);
    memcpy(t->sums + band * t->channels, sums, (size_t)t->channels * sizeof *sums);
    return CORE_OK;
}

/* Adds samples of a row of the picture to what was summed up above them. */
static inline void add_line(const void *pixels, int64_t first, int64_t count, int32_t *restrict sums, const int32_t wide) {
    for (int64_t i = 0; i < count; i++) sums[i] += sample_at(pixels, first + i, wide);
}

/* Sums of columns -> sums of boxes, whose last may be narrower. */
static inline void add_columns(const int32_t *restrict sums, int64_t columns, const int64_t r, const int32_t channels, int32_t *restrict totals) {
    memset(totals, 0, (size_t)((columns + r - 1) / r * channels) * sizeof *totals);
    int64_t whole = columns / r;
    for (int64_t box = 0; box < whole; box++)
        for (int64_t k = 0; k < r; k++)
            for (int32_t c = 0; c < channels; c++) totals[box * channels + c] += sums[(box * r + k) * channels + c];
    for (int64_t x = whole * r; x < columns; x++)
        for (int32_t c = 0; c < channels; c++) totals[whole * channels + c] += sums[x * channels + c];
}

static void divide(const int32_t *restrict totals, int64_t count, float unit, float area, float *restrict means) {
    for (int64_t i = 0; i < count; i++) means[i] = (float)totals[i] * unit / area;
}

static void reduce_row(const core_reduce *t, int64_t row) {
    int64_t r = t->reduction, top = row * r, rows = min64(top + r, t->height) - top, boxes = (t->width + r - 1) / r, span = SPAN / r * r;
    int32_t sums[SPAN * CORE_MAX_CHANNELS], totals[SPAN * CORE_MAX_CHANNELS], n = t->channels;
    for (int64_t left = 0; left < t->width; left += span) {
        int64_t columns = min64(span, t->width - left), whole = columns / r * n;
        float *means = t->means + (row * boxes + left / r) * n;
        memset(sums, 0, (size_t)(columns * n) * sizeof *sums);
        for (int64_t y = top; y < top + rows; y++) {
            int64_t first = (y * t->width + left) * n;
            if (t->sample_bytes == 1)
                add_line(t->pixels, first, columns * n, sums, 0);
            else
                add_line(t->pixels, first, columns * n, sums, 1);
        }
        if (r == 2 && n == 3) /* the usual ones: with constants, twice as fast */
            add_columns(sums, columns, 2, 3, totals);
        else if (n == 3)
            add_columns(sums, columns, r, 3, totals);
        else
            add_columns(sums, columns, r, n, totals);
        divide(totals, whole, t->unit, (float)(rows * r), means);
        if (columns % r) divide(totals + whole, n, t->unit, (float)(rows * (columns % r)), means + whole);
    }
}

/* At full size, where a mean is the sample itself. */
static inline void convert(const core_reduce *t, int64_t first, int64_t last, const int32_t wide) {
    for (int64_t i = first; i < last; i++) t->means[i] = (float)sample_at(t->pixels, i, wide) * t->unit;
}

int32_t reduce_band(const core_reduce *t, int64_t band) {
    if (!pixels_are_sound(t->pixels, t->width, t->height, t->channels, t->sample_bytes) || t->means == NULL || t->reduction < 1 ||
        t->reduction > CORE_MAX_REDUCTION)
        return CORE_INVALID;
    int64_t rows = (t->height + t->reduction - 1) / t->reduction, columns = (t->width + t->reduction - 1) / t->reduction;
    if (band < 0 || band >= bands_of(rows)) return CORE_INVALID;
    int64_t first = band * CORE_SEED_ROWS, last = min64(first + CORE_SEED_ROWS, rows), line = columns * t->channels;
    if (t->reduction == 1 && t->sample_bytes == 1)
        convert(t, first * line, last * line, 0);
    else if (t->reduction == 1)
        convert(t, first * line, last * line, 1);
    else
        for (int64_t row = first; row < last; row++) reduce_row(t, row);
    return CORE_OK;
}

/* Every `step`-th sample, and 0 up to the stride. */
static inline void pick8(const uint8_t *restrict from, int64_t step, int64_t count, uint8_t *restrict to, int64_t stride) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i * step];
    memset(to + count, 0, (size_t)(stride - count));
}
static inline void pick16(const uint16_t *restrict from, int64_t step, int64_t count, uint16_t *restrict to, int64_t stride) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i * step];
    memset(to + count, 0, (size_t)(stride - count) * sizeof *to);
}

static void split_row(const core_split *t, int64_t y) {
    int64_t r = t->reduction, across = min64(r, t->width), channels = t->channels, line = y * t->width * channels;
    for (int64_t x0 = 0; x0 < across; x0++) {
        int64_t count = (t->width - x0 + r - 1) / r;
        for (int64_t c = 0; c < channels; c++) {
            int64_t to = ((((y % r) * across + x0) * t->rows + y / r) * channels + c) * t->stride, from = line + x0 * channels + c;
            if (t->sample_bytes == 2)
                pick16((const uint16_t *)t->pixels + from, r * channels, count, (uint16_t *)t->subsets + to, t->stride);
            else if (r * channels == 3) /* a constant step is 3 times as fast */
                pick8((const uint8_t *)t->pixels + from, 3, count, (uint8_t *)t->subsets + to, t->stride);
            else if (r * channels == 6)
                pick8((const uint8_t *)t->pixels + from, 6, count, (uint8_t *)t->subsets + to, t->stride);
            else
                pick8((const uint8_t *)t->pixels + from, r * channels, count, (uint8_t *)t->subsets + to, t->stride);
        }
    }
}

int32_t split_band(const core_split *t, int64_t band) {
    if (!pixels_are_sound(t->pixels, t->width, t->height, t->channels, t->sample_bytes) || t->subsets == NULL || t->reduction < 1 ||
        t->reduction > CORE_MAX_REDUCTION)
        return CORE_INVALID;
    if (t->rows < (t->height + t->reduction - 1) / t->reduction || t->stride < (t->width + t->reduction - 1) / t->reduction) return CORE_INVALID;
    if (band < 0 || band >= bands_of(t->height)) return CORE_INVALID;
    int64_t last = min64((band + 1) * CORE_SEED_ROWS, t->height);
    for (int64_t y = band * CORE_SEED_ROWS; y < last; y++) split_row(t, y);
    return CORE_OK;
}
