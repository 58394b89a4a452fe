/* The metrics as jobs: what is checked, how the workspace and the work are divided. */
#include "metric_parts.h"
#include "window.h"

enum { METRIC_ROWS = 54, MAX_SIDE = 1 << 24 }; /* rows of LENGTH floats that a strip works with: compare() */

static int32_t sizes_are_known(const core_similarity *t) {
    return t->width >= 1 && t->width <= MAX_SIDE && t->height >= 1 && t->height <= MAX_SIDE && t->channels >= 1 && t->channels <= CORE_MAX_CHANNELS &&
           t->workers >= 1 && t->workers <= CORE_MAX_WORKERS;
}

/* Positions of the largest window, of an odd length up to TAPS, within so many pixels. */
static int64_t positions(int64_t side) { return side - (min64(TAPS, side) - 1) / 2 * 2; }

static int64_t strips_of(const metric_scale *s) { return (s->across + STRIP - 1) / STRIP * ((s->down + STRIP_ROWS - 1) / STRIP_ROWS); }

static int64_t all_strips(const metric_layout *layout) {
    int64_t count = 0;
    for (int32_t k = 0; k < layout->scales; k++) count += strips_of(&layout->scale[k]);
    return count;
}

static metric_layout divide(const core_similarity *t) {
    arena a = {.base = t->workspace};
    metric_layout layout = {.scales = 1};
    while (layout.scales < CORE_METRIC_SCALES && min64(t->width, t->height) >> layout.scales >= TAPS) layout.scales++;
    for (int32_t k = 0; k < layout.scales; k++) {
        metric_scale *s = &layout.scale[k];
        s->width = k == 0 ? t->width : (s[-1].width + 1) / 2;
        s->height = k == 0 ? t->height : (s[-1].height + 1) / 2;
        s->across = positions(s->width);
        s->down = positions(s->height);
        if (k > 0) s->a = arena_take(&a, s->width * s->height, sizeof *s->a), s->b = arena_take(&a, s->width * s->height, sizeof *s->b);
    }
    layout.sums = arena_take(&a, all_strips(&layout), 2 * sizeof(double));
    layout.row_floats = METRIC_ROWS * LENGTH;
    layout.rows = arena_take(&a, t->workers * layout.row_floats, sizeof(float));
    layout.bytes = a.used;
    return layout;
}

int64_t core_similarity_workspace(const core_similarity *t) {
    if (t == NULL || !sizes_are_known(t)) return -1;
    core_similarity counted = *t;
    counted.workspace = NULL;
    return divide(&counted).bytes;
}

int32_t core_similarity_phases(const core_similarity *t, int64_t *phases) {
    if (t == NULL || phases == NULL || !sizes_are_known(t)) return CORE_INVALID;
    core_similarity counted = *t;
    counted.workspace = NULL;
    metric_layout layout = divide(&counted);
    phases[0] = layout.scales > 1 ? (t->height + METRIC_BAND_ROWS - 1) / METRIC_BAND_ROWS : 0;
    phases[1] = phases[0] + all_strips(&layout);
    return CORE_OK;
}

static metric_strip find_strip(const metric_layout *layout, int64_t number) {
    metric_strip strip = {.scale = 0};
    while (number >= strips_of(&layout->scale[strip.scale])) number -= strips_of(&layout->scale[strip.scale++]);
    const metric_scale *s = &layout->scale[strip.scale];
    int64_t across = (s->across + STRIP - 1) / STRIP;
    strip.left = number % across * STRIP;
    strip.right = min64(strip.left + STRIP, s->across);
    strip.top = number / across * STRIP_ROWS;
    strip.bottom = min64(strip.top + STRIP_ROWS, s->down);
    return strip;
}

static int32_t task_is_sound(const core_similarity *t, const metric_layout *layout) {
    uintptr_t pictures = (uintptr_t)t->a | (uintptr_t)t->b;
    return t->a != NULL && t->b != NULL && (t->depth == 8 || t->depth == 16) && pictures % (uintptr_t)(t->depth / 8) == 0 && t->channel >= 0 &&
           t->channel < t->channels && t->workspace != NULL && (uintptr_t)t->workspace % 64 == 0 && t->workspace_bytes >= layout->bytes;
}

#if defined(__x86_64__)
static const metric_parts *const PARTS[5] = {[2] = &metric_parts_v2, [3] = &metric_parts_v3, [4] = &metric_parts_v4};
#else
static const metric_parts *const PARTS[5] = {[1] = &metric_parts_base};
#endif

int32_t run_squares(const core_squares *t, int64_t item) {
    const metric_parts *parts = PARTS[core_get_level()];
    uintptr_t pictures = (uintptr_t)t->a | (uintptr_t)t->b;
    if (t->a == NULL || t->b == NULL || t->sums == NULL || (t->depth != 8 && t->depth != 16) || pictures % (uintptr_t)(t->depth / 8) || parts == NULL ||
        item < 0 || item >= t->count / CORE_SQUARES_CHUNK + (t->count % CORE_SQUARES_CHUNK > 0))
        return CORE_INVALID;
    int64_t first = item * CORE_SQUARES_CHUNK;
    t->sums[item] = parts->squares(t, first, min64(first + CORE_SQUARES_CHUNK, t->count));
    return CORE_OK;
}

int32_t run_similarity(const core_similarity *t, int64_t item, int32_t worker) {
    const metric_parts *parts = PARTS[core_get_level()];
    int64_t phases[2];
    if (core_similarity_phases(t, phases) != CORE_OK || parts == NULL) return CORE_INVALID;
    metric_layout layout = divide(t);
    if (!task_is_sound(t, &layout) || worker < 0 || worker >= t->workers || item < 0 || item >= phases[1]) return CORE_INVALID;
    float *rows = layout.rows + worker * layout.row_floats;
    if (item < phases[0]) {
        parts->halve(t, &layout, item, rows);
        return CORE_OK;
    }
    metric_strip strip = find_strip(&layout, item - phases[0]);
    double *sums = layout.sums + (item - phases[0]) * 2;
    sums[0] = sums[1] = 0.0;
    parts->compare(t, &layout, &strip, rows, sums);
    return CORE_OK;
}

int32_t core_similarity_means(const core_similarity *t, double *structure, double *similarity) {
    if (t == NULL || structure == NULL || similarity == NULL || !sizes_are_known(t)) return -1;
    metric_layout layout = divide(t);
    if (!task_is_sound(t, &layout)) return -1;
    const double *sums = layout.sums;
    for (int32_t k = 0; k < layout.scales; k++) {
        const metric_scale *s = &layout.scale[k];
        double positions_of_it = (double)s->across * (double)s->down;
        structure[k] = similarity[k] = 0.0;
        for (int64_t i = 0; i < strips_of(s); i++, sums += 2) {
            structure[k] += sums[0];
            similarity[k] += sums[1];
        }
        structure[k] /= positions_of_it;
        similarity[k] /= positions_of_it;
    }
    return layout.scales;
}
