/* From values to Gaussians on a subset: noise of the quantizer, shape, colours, and the tiles that each may reach. Compiled once for each instruction set. */
#include "fit_internal.h"
#include "vector_math.h"

enum { MOST_VALUES = 5 + CORE_MAX_CHANNELS };

typedef struct block { /* LANES Gaussians */
    vec value[MOST_VALUES];
    int32_t frozen[LANES];
} block;

/* Uniform in [-1/2, 1/2): of Gaussian `first` + lane, for component `k`. */
static inline vec noise(const core_fit *t, int64_t first, uint32_t k) {
    uvec index = {0};
    for (int32_t lane = 0; lane < LANES; lane++) index[lane] = (uint32_t)first + (uint32_t)lane;
    uvec of_step = mixed((uvec){0} + (t->seed * 0xC2B2AE35u + mixed((uvec){0} + (t->step + 1u))[0]));
    uvec x = mixed(mixed(index * 0x9E3779B9u + k * 0x85EBCA6Bu + of_step) ^ of_step) >> 8;
    return as_floats((ivec)x) * 5.96046448e-8f - (0.5f - 2.98023224e-8f);
}

static inline vec look_up(const float *table, ivec index) {
    vec result;
    for (int32_t lane = 0; lane < LANES; lane++) result[lane] = table[index[lane]];
    return result;
}

static inline vec unless_frozen(const block *b, int32_t bit, vec x) {
    ivec frozen = {0};
    for (int32_t lane = 0; lane < LANES; lane++) frozen[lane] = -((b->frozen[lane] & bit) != 0);
    return (vec)((ivec)x & ~frozen);
}

/* Noise of the mean: in a part of its cell of side `step`, narrower across the Gaussian, and along it as long as such parts are on the mean. */
static inline void shake_mean(const core_fit *t, block *b, int64_t first, vec step, vec offsets) {
    vec sine, cosine, extent;
    sine_cosine(b->value[ANGLE], &sine, &cosine);
    extent = magnitude(cosine) + magnitude(sine);
    ivec single = offsets == splat(1.0f), tall = b->value[LOG_ASPECT] < splat(0.0f); /* whose long axis is the second */
    vec along = choose(single, splat(1.0f), 1.0f / extent), across = choose(single, splat(1.0f), extent / offsets);
    vec u = noise(t, first, 0) * step * choose(tall, across, along), v = noise(t, first, 1) * step * choose(tall, along, across);
    b->value[MEAN_X] += unless_frozen(b, CORE_FROZEN_MEAN, u * cosine - v * sine);
    b->value[MEAN_Y] += unless_frozen(b, CORE_FROZEN_MEAN, u * sine + v * cosine);
}

static inline void shake(const core_fit *t, block *b, int64_t first) {
    const core_fit_widths *w = t->widths;
    ivec level = floor_of(between(b->value[LOG_SCALE] * 1.44269504f + 1.0f, splat(0.0f), splat(CORE_MAX_LEVELS - 1)));
    ivec aspect = nearest(lesser(magnitude(b->value[LOG_ASPECT]) / w->aspect, splat(CORE_ASPECTS - 1)));
    shake_mean(t, b, first, look_up(w->position, level), look_up(w->offsets, aspect));
    b->value[LOG_SCALE] += unless_frozen(b, CORE_FROZEN_LOG_SCALE, noise(t, first, LOG_SCALE) * w->log_scale);
    b->value[LOG_ASPECT] += unless_frozen(b, CORE_FROZEN_ASPECT, noise(t, first, LOG_ASPECT) * w->aspect);
    b->value[ANGLE] += unless_frozen(b, CORE_FROZEN_ANGLE, noise(t, first, ANGLE) * look_up(w->angle[0], level * CORE_ASPECTS + aspect));
    for (int32_t c = 0; c < t->channels; c++) {
        vec step = look_up(w->colour[0], level * CORE_MAX_CHANNELS + c);
        b->value[COLOUR + c] += unless_frozen(b, CORE_FROZEN_COLOUR, noise(t, first, (uint32_t)(COLOUR + c)) * step);
    }
}

/* Y U V -> R G B; gray and alpha stay as they are. */
static inline void to_rgb(vec *colour, int32_t channels) {
    if (channels < 3) return;
    vec y = colour[0], u = 1.224744871f * colour[1], v = 0.707106781f * colour[2];
    colour[0] = y + u + v;
    colour[1] = y - 1.414213562f * colour[2];
    colour[2] = y - u + v;
}

enum { FIELDS = 11, LATER_FIELDS = 4 };

typedef struct shapes { /* fields of LANES core_fit_placed before and after the features; boxes */
    vec field[FIELDS], later[LATER_FIELDS];
    ivec box[4];
} shapes;

/* First and last + 1 tile that points within `extent` of `centre` lie in; none: both 0. */
static inline void touched_tiles(vec centre, vec extent, int64_t points, int32_t tile, ivec *first, ivec *last) {
    vec low = between(centre - extent - 0.5f, splat(0.0f), splat((float)points)), high = between(centre + extent - 0.5f, splat(-1.0f), splat((float)points - 1.0f));
    ivec from = ceil_of(low), to = floor_of(high), some = from <= to;
    *first = (from / tile) & some;
    *last = (to / tile + 1) & some;
}

static inline void shape(const core_fit *t, const block *b, shapes *s) {
    const float half = 0.72134752f, root = 0.84932180f; /* log2(e) / 2, its root */
    float inverse = 1.0f / t->reduction;
    vec sine, cosine, x = (b->value[MEAN_X] - t->origin_x) * inverse, y = (b->value[MEAN_Y] - t->origin_y) * inverse;
    vec s1 = exp_of(b->value[LOG_SCALE] + 0.5f * b->value[LOG_ASPECT]) * inverse, s2 = exp_of(b->value[LOG_SCALE] - 0.5f * b->value[LOG_ASPECT]) * inverse;
    sine_cosine(b->value[ANGLE], &sine, &cosine);
    vec i1 = 1.0f / s1, i2 = 1.0f / s2, p1 = i1 * i1, p2 = i2 * i2, cc = cosine * cosine, ss = sine * sine;
    vec extent_x = root_of(12.25f * (cc * (s1 * s1) + ss * (s2 * s2))), extent_y = root_of(12.25f * (ss * (s1 * s1) + cc * (s2 * s2)));
    vec a = -half * (cc * p1 + ss * p2), b_ = -2.0f * half * cosine * sine * (p1 - p2), c = -half * (ss * p1 + cc * p2), per_c = 0.5f / c;
    vec field[FIELDS] = {x, y, a, b_, c, extent_x, extent_y, root * cosine * i1, root * sine * i1, -root * sine * i2, root * cosine * i2};
    vec later[LATER_FIELDS] = {exp2_of(2.0f * c), -b_ / (2.0f * a) * extent_y, (4.0f * half * half) * (p1 * p2) * (per_c * per_c), per_c};
    memcpy(s->later, later, sizeof later);
    memcpy(s->field, field, sizeof field);
    touched_tiles(x, extent_x, t->width, CORE_FIT_TILE_WIDTH, &s->box[0], &s->box[2]);
    touched_tiles(y, extent_y, t->height, CORE_FIT_TILE_HEIGHT, &s->box[1], &s->box[3]);
    ivec some = (s->box[2] > 0) & (s->box[3] > 0);
    for (int32_t k = 0; k < 4; k++) s->box[k] &= some;
}

static inline void write_lane(core_fit *t, const shapes *s, const vec *colour, int64_t i, int32_t lane) {
    core_fit_placed *p = t->placed + i;
    float *before = &p->x, *after = &p->curve;
    for (int32_t k = 0; k < FIELDS; k++) before[k] = s->field[k][lane];
    for (int32_t k = 0; k < LATER_FIELDS; k++) after[k] = s->later[k][lane];
    for (int32_t c = 0; c < CORE_MAX_PLANES; c++) p->feature[c] = c < t->channels ? colour[c][lane] : c == t->channels ? (float)t->normalized : 0.0f;
    for (int32_t k = 0; k < 4; k++) t->boxes[4 * i + k] = s->box[k][lane];
    t->entry_starts[i + 1] = (int64_t)(s->box[2][lane] - s->box[0][lane]) * (s->box[3][lane] - s->box[1][lane]);
}

void AT_LEVEL(fit_place)(core_fit *t, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i += LANES) {
        int32_t lanes = (int32_t)min64(LANES, last - i), rows = COLOUR + t->channels;
        block b;
        shapes s;
        for (int32_t k = 0; k < rows; k++) {
            b.value[k] = splat(1.0f);
            memcpy(&b.value[k], t->values + k * t->count + i, (size_t)lanes * sizeof(float));
        }
        for (int32_t lane = 0; lane < LANES; lane++) b.frozen[lane] = lane < lanes ? t->frozen[i + lane] : CORE_FROZEN_ALL;
        if (t->widths != NULL) shake(t, &b, i);
        shape(t, &b, &s);
        to_rgb(b.value + COLOUR, t->channels);
        for (int32_t lane = 0; lane < lanes; lane++) write_lane(t, &s, b.value + COLOUR, i + lane, lane);
    }
}
