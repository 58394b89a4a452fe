/* Sums of squared differences, halves, and SSIM over windows that lie within the picture. Compiled once for each instruction set, and the same numbers in all. */
#include "halve.h"
#include "metric_parts.h"
#include "window.h"

#define METRIC_PARTS AT_LEVEL(metric_parts)

enum { QUANTITIES = 4, EXACT = 1 << 16 }; /* so many squares of 8 bits have a sum of 32 */

static const float C1 = 1e-4f, C2 = 9e-4f; /* for pixels in [0, 1] */

static int64_t squares_of_bytes(const uint8_t *restrict a, const uint8_t *restrict b, int64_t count) {
    uint32_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t d = a[i] - b[i];
        sum += (uint32_t)(d * d);
    }
    return sum;
}

static int64_t squares_of_words(const uint16_t *restrict a, const uint16_t *restrict b, int64_t count) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

static int64_t squares(const core_squares *t, int64_t first, int64_t last) {
    int64_t sum = 0;
    if (t->depth == 16) return squares_of_words((const uint16_t *)t->a + first, (const uint16_t *)t->b + first, last - first);
    for (int64_t i = first; i < last; i += EXACT) sum += squares_of_bytes((const uint8_t *)t->a + i, (const uint8_t *)t->b + i, min64(EXACT, last - i));
    return sum;
}

static inline void load_bytes(const uint8_t *restrict from, int64_t step, int64_t count, float *restrict out) {
    for (int64_t i = 0; i < count; i++) out[i] = (float)from[i * step];
}

static inline void load_words(const uint16_t *restrict from, int64_t step, int64_t count, float *restrict out) {
    for (int64_t i = 0; i < count; i++) out[i] = (float)from[i * step];
}

/* Columns of a row at full size. */
static void load_samples(const core_similarity *t, const void *picture, int64_t row, int64_t first, int64_t last, float *out) {
    int64_t at = (row * t->width + first) * t->channels + t->channel, count = last - first;
    if (t->depth == 16)
        load_words((const uint16_t *)picture + at, t->channels, count, out);
    else if (t->channels == 1) /* known steps become shuffles */
        load_bytes((const uint8_t *)picture + at, 1, count, out);
    else if (t->channels == 3)
        load_bytes((const uint8_t *)picture + at, 3, count, out);
    else
        load_bytes((const uint8_t *)picture + at, t->channels, count, out);
}

static void halve_samples(const core_similarity *t, const metric_scale *s, const void *picture, int64_t row, float *rows, float *out) {
    for (int64_t left = 0; left < t->width; left += STRIP) {
        int64_t right = min64(left + STRIP, t->width);
        load_samples(t, picture, 2 * row, left, right, rows);
        load_samples(t, picture, min64(2 * row + 1, t->height - 1), left, right, rows + LENGTH);
        halve_row(rows, rows + LENGTH, right - left, out + row * s->width + left / 2);
    }
}

/* A band of both pictures at all smaller scales. A last row without a neighbour stands for both. */
static void halve(const core_similarity *t, const metric_layout *layout, int64_t band, float *rows) {
    for (int32_t k = 1; k < layout->scales; k++) {
        const metric_scale *fine = &layout->scale[k - 1], *s = &layout->scale[k];
        int64_t height = METRIC_BAND_ROWS >> k, last = min64((band + 1) * height, s->height);
        for (int64_t row = band * height; row < last; row++) {
            int64_t above = 2 * row * fine->width, below = min64(2 * row + 1, fine->height - 1) * fine->width, at = row * s->width;
            if (k == 1) {
                halve_samples(t, s, t->a, row, rows, s->a);
                halve_samples(t, s, t->b, row, rows, s->b);
            } else {
                halve_row(fine->a + above, fine->a + below, fine->width, s->a + at);
                halve_row(fine->b + above, fine->b + below, fine->width, s->b + at);
            }
        }
    }
}

/* Columns first .. first + count - 1 of a row of one picture, 0 outside of it; in [-1/2, 1/2], which makes the rounding of variances smaller. */
static void load_row(const core_similarity *t, const metric_layout *layout, const metric_strip *strip, int32_t second, int64_t row, int64_t first,
                     int64_t count, float *out) {
    const metric_scale *s = &layout->scale[strip->scale];
    int64_t from = max64(first, 0), to = min64(first + count, s->width);
    float unit = t->depth == 8 ? 1.0f / 255.0f : 1.0f / 65535.0f;
    memset(out, 0, LENGTH * sizeof *out);
    if (strip->scale == 0)
        load_samples(t, second ? t->b : t->a, row, from, to, out + from - first);
    else
        memcpy(out + from - first, (second ? s->b : s->a) + row * s->width + from, (size_t)(to - from) * sizeof *out);
    for (int64_t i = from - first; i < to - first; i++) out[i] = out[i] * unit - 0.5f;
}

/* x, y, x^2 + y^2, x y of a row: (QUANTITIES, LENGTH). */
static void load_both(const core_similarity *t, const metric_layout *layout, const metric_strip *strip, int64_t row, int64_t first, int64_t count,
                      float *restrict x) {
    load_row(t, layout, strip, 0, row, first, count, x);
    load_row(t, layout, strip, 1, row, first, count, x + LENGTH);
    for (int64_t i = 0; i < LENGTH; i++) {
        float a = x[i], b = x[LENGTH + i];
        x[2 * LENGTH + i] = a * a + b * b;
        x[3 * LENGTH + i] = a * b;
    }
}

/* Both terms at each position of a row. */
static void terms(const window *g, const window_rows *around, int64_t count, float *structure, float *similarity) {
    for (int64_t i = 0; i < count; i += LANES) {
        vec shifted_x = sum_down(g, around, i), shifted_y = sum_down(g, around, LENGTH + i);
        vec variances = sum_down(g, around, 2 * LENGTH + i) - (shifted_x * shifted_x + shifted_y * shifted_y);
        vec covariance = sum_down(g, around, 3 * LENGTH + i) - shifted_x * shifted_y;
        vec x = shifted_x + 0.5f, y = shifted_y + 0.5f;
        vec both = (2.0f * covariance + C2) / (variances + C2);
        *(vec *)(structure + i) = both;
        *(vec *)(similarity + i) = (2.0f * (x * y) + C1) / (x * x + y * y + C1) * both;
    }
}

static void compare(const core_similarity *t, const metric_layout *layout, const metric_strip *strip, float *rows, double *sums) {
    const metric_scale *s = &layout->scale[strip->scale];
    float *ring = rows, *zeros = ring + TAPS * QUANTITIES * LENGTH, *x = zeros + QUANTITIES * LENGTH;
    float *structure = x + QUANTITIES * LENGTH, *similarity = structure + LENGTH;
    int64_t beside = (s->width - s->across) / 2, above = (s->height - s->down) / 2, count = strip->right - strip->left, wide = whole_blocks(count);
    window across = window_of(beside), down = window_of(above);
    memset(ring, 0, (TAPS + 1) * QUANTITIES * LENGTH * sizeof *ring); /* and zeros; a window that is cut off looks at rows that are not there yet, with weight 0 */
    for (int64_t row = strip->top; row < strip->bottom + 2 * above; row++) {
        load_both(t, layout, strip, row, strip->left + beside - RADIUS, wide + 2 * RADIUS, x);
        for (int32_t k = 0; k < QUANTITIES; k++) sum_across(&across, x + k * LENGTH, ring_row(ring, row, QUANTITIES) + k * LENGTH, wide);
        if (row - 2 * above < strip->top) continue;
        window_rows around = rows_around(ring, row - above, s->height, QUANTITIES, zeros);
        terms(&down, &around, wide, structure, similarity);
        memset(structure + count, 0, (size_t)(wide - count) * sizeof *structure);
        memset(similarity + count, 0, (size_t)(wide - count) * sizeof *similarity);
        sums[0] += total(structure, wide);
        sums[1] += total(similarity, wide);
    }
}

const metric_parts METRIC_PARTS = {.squares = squares, .halve = halve, .compare = compare};
