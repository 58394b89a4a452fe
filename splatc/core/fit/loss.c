/* The losses as jobs: what is checked, how the workspace and the work are divided. */
#include "loss_parts.h"

enum { LOSS_ROWS = 77, MAX_SIDE = 1 << 24 }; /* rows of LENGTH floats that a strip works with, at most: compare() */

static int32_t parts_are_known(const core_loss *t) {
    return (t->loss == CORE_LOSS_L1_SSIM || t->loss == CORE_LOSS_MULTISCALE) && t->channels >= 1 && t->channels <= CORE_MAX_CHANNELS && t->width >= 1 &&
           t->width <= MAX_SIDE && t->height <= MAX_SIDE && t->workers >= 1 && t->workers <= CORE_MAX_WORKERS && t->first >= 0 &&
           t->first < min64(t->every, t->height) && /* so that both are 1 at least */
           (t->every == 1 || t->loss == CORE_LOSS_MULTISCALE);
}

static int64_t bands_of(const core_loss *t) { return (t->height + BAND_ROWS - 1) / BAND_ROWS; }

static int64_t strips_of(const core_loss *t, const loss_scale *s) {
    return (s->width + STRIP - 1) / STRIP * ((s->height + STRIP_ROWS - 1) / STRIP_ROWS) * t->channels;
}

static int64_t strips_of_ssim(const core_loss *t, const loss_layout *layout) {
    int64_t count = 0;
    for (int32_t k = layout->first; k <= layout->last; k++) count += strips_of(t, &layout->scale[k]);
    return count;
}

/* Floats with a margin on both sides. */
static float *take_floats(arena *a, int64_t count) {
    uint8_t *part = arena_take(a, count + 2 * MARGIN, sizeof(float));
    return part == NULL ? NULL : (float *)(void *)part + MARGIN;
}

static loss_layout divide(const core_loss *t) {
    arena a = {.base = t->workspace};
    loss_layout layout = {.first = 0, .last = 0};
    if (t->loss == CORE_LOSS_MULTISCALE) layout.first = 1, layout.last = SCALES - 1;
    for (int32_t k = 0; k <= layout.last; k++) {
        loss_scale *s = &layout.scale[k];
        s->width = k == 0 ? t->width : (s[-1].width + 1) / 2;
        s->height = k == 0 ? t->height : (s[-1].height + 1) / 2;
        s->stride = whole_blocks(s->width);
        int64_t size = s->height * t->channels * s->stride;
        if (k > 0) s->drawn = take_floats(&a, size), s->target = take_floats(&a, size), s->gradient = take_floats(&a, size);
        if (k >= layout.first) s->mean = take_floats(&a, size), s->variance = take_floats(&a, size);
        s->fit_x = take_floats(&a, s->stride);
        s->fit_y = take_floats(&a, s->height);
    }
    if (layout.first > 0) layout.sensitivity = take_floats(&a, t->height * t->channels * layout.scale[0].stride);
    layout.sums = arena_take(&a, strips_of_ssim(t, &layout) + bands_of(t), SUMS * sizeof(double));
    layout.row_floats = LOSS_ROWS * LENGTH;
    layout.rows = arena_take(&a, t->workers * layout.row_floats, sizeof(float));
    layout.bytes = a.used;
    return layout;
}

int64_t core_loss_workspace(const core_loss *t) {
    if (t == NULL || !parts_are_known(t)) return -1;
    core_loss counted = *t;
    counted.workspace = NULL;
    return divide(&counted).bytes;
}

int32_t core_loss_phases(const core_loss *t, int32_t what, int64_t *phases) {
    if (t == NULL || phases == NULL || !parts_are_known(t)) return -1;
    core_loss counted = *t;
    counted.workspace = NULL;
    loss_layout layout = divide(&counted);
    int64_t bands = layout.last > 0 ? bands_of(t) : 0, strips = strips_of_ssim(t, &layout);
    int32_t count = 0;
    if (what < 0 || what > 2 || (what == 2 && t->loss != CORE_LOSS_MULTISCALE)) return -1;
    if (what == 2) {
        phases[count++] = strips;
        phases[count++] = strips + bands;
        return count;
    }
    if (what == 1) {
        phases[count++] = 1 + bands;
        phases[count++] = 1 + bands + strips + (layout.first > 0 ? strips_of(t, &layout.scale[0]) : 0);
        return count;
    }
    if (bands > 0) phases[count++] = bands;
    phases[count++] = bands + strips;
    if (bands > 0) phases[count++] = 2 * bands + strips;
    return count;
}

/* What sums over the part of the window within [0, length) are to be multiplied with; 0 around them. */
static void renormalize(float *fit, int64_t length, int64_t stride) {
    window g = window_of(RADIUS);
    memset(fit - MARGIN, 0, MARGIN * sizeof *fit);
    memset(fit + length, 0, (size_t)(stride - length + MARGIN) * sizeof *fit);
    for (int64_t i = 0; i < length; i++) {
        double part = 0.0;
        for (int64_t k = max64(-RADIUS, -i); k <= min64(RADIUS, length - 1 - i); k++) part += (double)g.weight[k < 0 ? -k : k];
        fit[i] = (float)(1.0 / part);
    }
}

/* The first item of a target: all that does not depend on its samples. */
static void prepare(const core_loss *t, const loss_layout *layout) {
    for (int32_t k = 0; k <= layout->last; k++) {
        const loss_scale *s = &layout->scale[k];
        int64_t size = s->height * t->channels * s->stride;
        renormalize(s->fit_x, s->width, s->stride);
        renormalize(s->fit_y, s->height, s->height);
        if (k < layout->first) continue;
        for (int32_t which = 0; which < 2; which++) { /* of a column outside of the picture any number will do */
            float *planes = which == 0 ? s->mean : s->variance;
            memset(planes - MARGIN, 0, MARGIN * sizeof *planes);
            memset(planes + size, 0, MARGIN * sizeof *planes);
        }
    }
}

/* Strip `number` of those of the scales first .. last. */
static loss_strip find_strip(const core_loss *t, const loss_layout *layout, int32_t first, int64_t number) {
    loss_strip strip = {.scale = first};
    while (number >= strips_of(t, &layout->scale[strip.scale])) number -= strips_of(t, &layout->scale[strip.scale++]);
    const loss_scale *s = &layout->scale[strip.scale];
    int64_t across = (s->width + STRIP - 1) / STRIP, blocks = s->stride / BLOCK, column = number % across;
    strip.left = column * blocks / across * BLOCK;
    strip.right = (column + 1) * blocks / across * BLOCK;
    strip.channel = (int32_t)(number / across % t->channels);
    strip.top = number / across / t->channels * STRIP_ROWS;
    strip.bottom = min64(strip.top + STRIP_ROWS, s->height);
    return strip;
}

static int32_t task_is_sound(const core_loss *t, const loss_layout *layout) {
    return t->samples != NULL && t->workspace != NULL && (uintptr_t)t->workspace % 64 == 0 && t->workspace_bytes >= layout->bytes && t->stride % BLOCK == 0 &&
           t->stride >= t->width && t->stride <= 2 * MAX_SIDE && (t->depth == 8 || t->depth == 16) && (uintptr_t)t->samples % (uintptr_t)(t->depth / 8) == 0;
}

#if defined(__x86_64__)
static const loss_strips *const STRIPS[5] = {[2] = &loss_strips_v2, [3] = &loss_strips_v3, [4] = &loss_strips_v4};
static const loss_bands *const BANDS[5] = {[2] = &loss_bands_v2, [3] = &loss_bands_v3, [4] = &loss_bands_v4};
#else
static const loss_strips *const STRIPS[5] = {[1] = &loss_strips_base};
static const loss_bands *const BANDS[5] = {[1] = &loss_bands_base};
#endif

typedef struct loss_item { /* what an item of a job works with */
    loss_layout layout;
    int64_t phases[CORE_LOSS_PHASES];
    int32_t count; /* of the phases */
    int32_t level;
    float *rows;
} loss_item;

/* Whether the item is one of a job of core_loss_phases' `what`; then `here` is filled. */
static int32_t item_is_sound(const core_loss *t, int32_t what, int64_t item, int32_t worker, loss_item *here) {
    here->level = core_get_level();
    here->count = core_loss_phases(t, what, here->phases);
    if (here->count < 0 || STRIPS[here->level] == NULL) return 0;
    here->layout = divide(t);
    if (!task_is_sound(t, &here->layout) || worker < 0 || worker >= t->workers || item < 0 || item >= here->phases[here->count - 1]) return 0;
    here->rows = here->layout.rows + worker * here->layout.row_floats;
    return 1;
}

int32_t run_loss_target(const core_loss *t, int64_t item, int32_t worker) {
    loss_item here;
    if (!item_is_sound(t, 1, item, worker, &here)) return CORE_INVALID;
    if (item == 0) {
        prepare(t, &here.layout);
    } else if (item < here.phases[0]) {
        BANDS[here.level]->halve_target(t, &here.layout, item - 1, here.rows, NULL);
    } else {
        loss_strip strip = find_strip(t, &here.layout, 0, item - here.phases[0]);
        const loss_strips *strips = STRIPS[here.level];
        (strip.scale < here.layout.first ? strips->weigh : strips->measure)(t, &here.layout, &strip, here.rows, NULL);
    }
    return CORE_OK;
}

int32_t run_loss(const core_loss *t, int64_t item, int32_t worker) {
    loss_item here;
    if (!item_is_sound(t, 0, item, worker, &here)) return CORE_INVALID;
    if (t->drawn == NULL || t->gradient == NULL || ((uintptr_t)t->drawn | (uintptr_t)t->gradient) % sizeof(float)) return CORE_INVALID;
    int64_t bands = here.count == 1 ? 0 : here.phases[0];
    if (item < bands) {
        BANDS[here.level]->halve_drawn(t, &here.layout, item, here.rows, NULL);
        return CORE_OK;
    }
    double *sums = here.layout.sums + (item - bands) * SUMS;
    memset(sums, 0, SUMS * sizeof *sums);
    if (here.count > 1 && item >= here.phases[1]) {
        BANDS[here.level]->finish(t, &here.layout, item - here.phases[1], here.rows, sums);
    } else {
        loss_strip strip = find_strip(t, &here.layout, here.layout.first, item - bands);
        STRIPS[here.level]->compare(t, &here.layout, &strip, here.rows, sums);
    }
    return CORE_OK;
}

int32_t run_loss_curvature(const core_loss *t, int64_t item, int32_t worker) {
    loss_item here;
    if (!item_is_sound(t, 2, item, worker, &here)) return CORE_INVALID;
    if (t->gradient == NULL || (uintptr_t)t->gradient % sizeof(float)) return CORE_INVALID;
    if (item < here.phases[0]) {
        loss_strip strip = find_strip(t, &here.layout, here.layout.first, item);
        STRIPS[here.level]->weigh(t, &here.layout, &strip, here.rows, NULL);
    } else {
        BANDS[here.level]->bend(t, &here.layout, item - here.phases[0], here.rows, NULL);
    }
    return CORE_OK;
}

/* Adds up what `count` items left. */
static void add_up(const double *items, int64_t count, double *sums) {
    memset(sums, 0, SUMS * sizeof *sums);
    for (int64_t i = 0; i < count; i++)
        for (int32_t k = 0; k < SUMS; k++) sums[k] += items[i * SUMS + k];
}

int32_t core_loss_value(const core_loss *t, double *value, double *squares) {
    if (t == NULL || !parts_are_known(t) || value == NULL || squares == NULL) return CORE_INVALID;
    loss_layout layout = divide(t);
    if (!task_is_sound(t, &layout)) return CORE_INVALID;
    double whole = (double)t->width * (double)t->height * t->channels, sums[SUMS];
    const double *items = layout.sums;
    if (t->loss == CORE_LOSS_L1_SSIM) {
        add_up(items, strips_of(t, &layout.scale[0]), sums);
        *value = (1.0 - SSIM_WEIGHT) * (sums[1] / whole) + SSIM_WEIGHT * (1.0 - sums[0] / whole);
        *squares = sums[2];
        return CORE_OK;
    }
    *value = 0.0;
    for (int32_t k = 1; k < SCALES; k++) {
        const loss_scale *s = &layout.scale[k];
        add_up(items, strips_of(t, s), sums);
        items += strips_of(t, s) * SUMS;
        *value += SCALE_WEIGHTS[k] * (1.0 - sums[0] / ((double)s->width * (double)s->height * t->channels));
    }
    double samples = (double)t->width * (double)((t->height - t->first + t->every - 1) / t->every) * t->channels;
    add_up(items, bands_of(t), sums);
    *value += (L1_WEIGHT * sums[0] + SQUARED_WEIGHT * sums[1] + PLAIN_WEIGHT * sums[2]) / samples;
    *squares = sums[2] * (whole / samples);
    return CORE_OK;
}
