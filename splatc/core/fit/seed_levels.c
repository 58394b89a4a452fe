/* Features and colours with the instruction set that was chosen, once their task has been checked. */
#include "seed.h"

#include "internal.h"

typedef int32_t features_of_band(const core_features *task, int64_t band);
typedef int32_t colours_of_chunk(const core_colours *task, int64_t chunk);

#if defined(__x86_64__)
static features_of_band *const FEATURES[5] = {NULL, NULL, find_features_v2, find_features_v3, find_features_v4};
static colours_of_chunk *const COLOURS[5] = {NULL, NULL, find_colours_v2, find_colours_v3, find_colours_v4};
enum { LEAST_LEVEL = 2 };
#else
static features_of_band *const FEATURES[5] = {NULL, find_features_base, NULL, NULL, NULL};
static colours_of_chunk *const COLOURS[5] = {NULL, find_colours_base, NULL, NULL, NULL};
enum { LEAST_LEVEL = 1 };
#endif

static int32_t image_is_sound(const float *image, int64_t width, int64_t height, int32_t channels) {
    return image != NULL && width >= 1 && height >= 1 && width <= INT32_MAX && height <= INT32_MAX && channels >= 1 && channels <= CORE_MAX_CHANNELS;
}

int32_t find_features(const core_features *t, int64_t band) {
    int32_t level = core_get_level();
    if (level < LEAST_LEVEL || !image_is_sound(t->image, t->width, t->height, t->channels)) return CORE_INVALID;
    if (t->x0 < 0 || t->y0 < 0 || t->x1 <= t->x0 || t->y1 <= t->y0 || t->x1 > t->width || t->y1 > t->height) return CORE_INVALID;
    if (t->statistics == NULL && (t->weight == NULL || t->arrival == NULL)) return CORE_INVALID;
    if (band < 0 || band >= (t->y1 - t->y0 + CORE_SEED_ROWS - 1) / CORE_SEED_ROWS) return CORE_INVALID;
    return FEATURES[level](t, band);
}

int32_t find_colours(const core_colours *t, int64_t chunk) {
    int32_t level = core_get_level();
    if (level < LEAST_LEVEL || !image_is_sound(t->image, t->width, t->height, t->channels)) return CORE_INVALID;
    if (t->mean == NULL || t->scale == NULL || t->colour == NULL || chunk < 0 || chunk * CORE_SEED_POINTS >= t->count) return CORE_INVALID;
    return COLOURS[level](t, chunk);
}
