/* From the sums of a Gaussian to its gradient, and Adam's step in units of the Gaussian. Compiled once for each instruction set.

   As a density, a Gaussian has the Fisher information 1 / s^2 about its mean along each axis and (2 sinh rho)^2 about its angle, rho = ln(s1 / s2); about ln g
   and rho it is the same for all. Steps of one over its root are the diagonal of the natural gradient (Amari 1998): a long Gaussian moves far along
   itself, little across, and rotates little. */
#include "fit_internal.h"
#include "fit_network.h"
#include "vector_math.h"

enum { MOST_ROWS = 5 + CORE_MAX_CHANNELS };

typedef struct block { /* LANES Gaussians */
    int64_t at;
    int32_t lanes;
    ivec frozen[MOST_ROWS]; /* by row, -1 where it is final */
    vec value[MOST_ROWS], gradient[MOST_ROWS];
} block;

static inline vec load_lanes(const float *from, int32_t lanes) {
    vec result = splat(0.0f);
    if (lanes == LANES) return load(from);
    memcpy(&result, from, (size_t)lanes * sizeof(float));
    return result;
}

static inline void store_lanes(float *to, vec value, int32_t lanes) {
    if (lanes == LANES)
        store(to, value);
    else
        memcpy(to, &value, (size_t)lanes * sizeof(float));
}

/* The sums of each Gaussian over its tiles, in their order. */
static inline void add_tiles(const core_fit *t, const block *b, vec *sums) {
    float by_lane[CORE_FIT_SUMS][LANES];
    memset(by_lane, 0, sizeof by_lane);
    for (int32_t lane = 0; lane < b->lanes; lane++)
        for (int64_t entry = t->entry_starts[b->at + lane]; entry < t->entry_starts[b->at + lane + 1]; entry++)
            for (int32_t k = 0; k < CORE_FIT_SUMS; k++) by_lane[k][lane] += t->sums[entry * CORE_FIT_SUMS + k];
    for (int32_t k = 0; k < CORE_FIT_SUMS; k++) sums[k] = load(by_lane[k]);
}

/* Gradients by R G B -> by Y U V; gray and alpha stay as they are. */
static inline void to_coded(vec *colour, int32_t channels) {
    if (channels < 3) return;
    vec r = colour[0], g = colour[1], b = colour[2];
    colour[0] = r + g + b;
    colour[1] = 1.224744871f * (r - b);
    colour[2] = 0.707106781f * (r + b) - 1.414213562f * g;
}

/* By the chain rule from the sums of h = dL / d(-q/2): with U, V the coordinates in which a weight is 2^-(U^2 + V^2), as `placed` has their axes. */
static inline void make_gradient(const core_fit *t, block *b, const vec *sums) {
    const float per_half = 1.38629436f; /* 2 / log2(e) */
    vec ux = splat(1.0f), uy = ux, vx = ux, vy = ux;
    for (int32_t lane = 0; lane < b->lanes; lane++) {
        const core_fit_placed *p = t->placed + b->at + lane;
        ux[lane] = p->u_x, uy[lane] = p->u_y, vx[lane] = p->v_x, vy[lane] = p->v_y;
    }
    vec u = ux * sums[0] + uy * sums[1], v = vx * sums[0] + vy * sums[1];
    vec uu = ux * ux * sums[2] + 2.0f * ux * uy * sums[3] + uy * uy * sums[4], vv = vx * vx * sums[2] + 2.0f * vx * vy * sums[3] + vy * vy * sums[4];
    vec uv = ux * vx * sums[2] + (ux * vy + uy * vx) * sums[3] + uy * vy * sums[4];
    vec ratio = root_of((vx * vx + vy * vy) / (ux * ux + uy * uy)); /* s1 / s2 */
    float r = t->reduction, all = r * r * per_half; /* sums of a subset stand for those of the picture */
    b->gradient[MEAN_X] = (r * per_half) * (ux * u + vx * v);
    b->gradient[MEAN_Y] = (r * per_half) * (uy * u + vy * v);
    b->gradient[LOG_SCALE] = all * (uu + vv);
    b->gradient[LOG_ASPECT] = (0.5f * all) * (uu - vv);
    b->gradient[ANGLE] = all * (ratio - 1.0f / ratio) * uv;
    for (int32_t c = 0; c < t->channels; c++) b->gradient[COLOUR + c] = r * r * sums[5 + c];
    to_coded(b->gradient + COLOUR, t->channels);
}

/* The sign, without its jump at 0. */
static inline vec direction(vec distance, float soft) { return distance / (magnitude(distance) + soft); }

static inline void add_rate(const core_fit *t, block *b) {
    const core_fit_rate *rate = t->rate;
    b->gradient[LOG_ASPECT] += (rate->by_aspect / rate->aspect_step) * direction(b->value[LOG_ASPECT] / rate->aspect_step, rate->soft);
    for (int32_t c = 0; c < t->channels; c++) {
        int64_t at = c * t->count + b->at;
        vec step = load_lanes(rate->colour_step + at, b->lanes), predicted = load_lanes(rate->predicted + at, b->lanes);
        step = choose(step > splat(0.0f), step, splat(1.0f));
        b->gradient[COLOUR + c] += rate->by_colour[c] / step * direction((b->value[COLOUR + c] - predicted) / step, rate->soft);
    }
}

/* Adam's direction of a row, its moments moved on. */
static inline vec adam(const core_fit *t, const block *b, int32_t row) {
    const core_fit_adam *a = t->adam;
    float *first_at = t->first + row * t->count + b->at, *second_at = t->second + row * t->count + b->at;
    vec g = b->gradient[row], first = load_lanes(first_at, b->lanes), second = load_lanes(second_at, b->lanes);
    first = a->beta1 * first + (1.0f - a->beta1) * g;
    second = a->beta2 * second + (1.0f - a->beta2) * (g * g);
    store_lanes(first_at, first, b->lanes);
    store_lanes(second_at, second, b->lanes);
    return -(first * a->unbias1) / (root_of(second * a->unbias2) + a->epsilon);
}

static inline void settle(const core_fit *t, const block *b, int32_t row, vec step, vec low, vec high) {
    vec moved = between(b->value[row] + step, low, high);
    store_lanes(t->values + row * t->count + b->at, choose(b->frozen[row], b->value[row], moved), b->lanes);
}

static inline void move_mean(const core_fit *t, block *b) {
    const core_fit_adam *a = t->adam;
    vec sine, cosine, x = b->gradient[MEAN_X], y = b->gradient[MEAN_Y];
    sine_cosine(b->value[ANGLE], &sine, &cosine);
    b->gradient[MEAN_X] = cosine * x + sine * y; /* along, across */
    b->gradient[MEAN_Y] = cosine * y - sine * x;
    vec along = adam(t, b, MEAN_X) * exp_of(b->value[LOG_SCALE] + 0.5f * b->value[LOG_ASPECT]);
    vec across = adam(t, b, MEAN_Y) * exp_of(b->value[LOG_SCALE] - 0.5f * b->value[LOG_ASPECT]);
    settle(t, b, MEAN_X, a->mean * (cosine * along - sine * across), splat(0.0f), splat(a->end_x));
    settle(t, b, MEAN_Y, a->mean * (sine * along + cosine * across), splat(0.0f), splat(a->end_y));
}

static inline void move_angle(const core_fit *t, block *b) {
    vec ratio = exp_of(b->value[LOG_ASPECT]), sinh_2 = ratio - 1.0f / ratio, end = splat(1e6f);
    settle(t, b, ANGLE, t->adam->angle * adam(t, b, ANGLE) / root_of(1.0f + sinh_2 * sinh_2), -end, end);
}

static inline void move(const core_fit *t, block *b) {
    const core_fit_adam *a = t->adam;
    const vec wide = splat(1e6f);
    if (a->moving & CORE_FROZEN_MEAN) move_mean(t, b);
    if (a->moving & CORE_FROZEN_ANGLE) move_angle(t, b);
    if (a->moving & CORE_FROZEN_LOG_SCALE) settle(t, b, LOG_SCALE, a->log_scale * adam(t, b, LOG_SCALE), splat(a->least_scale), splat(a->most_scale));
    if (a->moving & CORE_FROZEN_ASPECT) settle(t, b, LOG_ASPECT, a->aspect * adam(t, b, LOG_ASPECT), splat(-a->most_aspect), splat(a->most_aspect));
    for (int32_t c = 0; c < t->channels && (a->moving & CORE_FROZEN_COLOUR); c++)
        settle(t, b, COLOUR + c, a->colour * adam(t, b, COLOUR + c), -wide, wide);
}

/* The gradient in place of the block's, and Adam's moments moved on: what the network looks at first. */
static inline void make_features(const core_fit *t, const block *b, float error, vec *feature) {
    const core_fit_network *net = t->network;
    const core_fit_adam *a = t->adam;
    vec g2 = exp_of(2.0f * b->value[LOG_SCALE]), ratio = exp_of(b->value[LOG_ASPECT]), sinh_2 = ratio - 1.0f / ratio;
    vec unit[NETWORK_ROWS] = {
        exp_of(b->value[LOG_SCALE] + 0.5f * b->value[LOG_ASPECT]), exp_of(b->value[LOG_SCALE] - 0.5f * b->value[LOG_ASPECT]),
        splat(1.0f), splat(1.0f), 1.0f / root_of(1.0f + sinh_2 * sinh_2), splat(1.0f), splat(1.0f), splat(1.0f),
    };
    for (int32_t row = 0; row < NETWORK_ROWS; row++) {
        float *first_at = t->first + row * t->count + b->at, *second_at = t->second + row * t->count + b->at;
        vec g = b->gradient[row], first = load_lanes(first_at, b->lanes), second = load_lanes(second_at, b->lanes);
        first = a->beta1 * first + (1.0f - a->beta1) * g;
        second = a->beta2 * second + (1.0f - a->beta2) * (g * g);
        store_lanes(first_at, first, b->lanes);
        store_lanes(second_at, second, b->lanes);
        vec root = root_of(second * a->unbias2) + 1e-12f;
        feature[row] = first * a->unbias1 / root;
        feature[NETWORK_ROWS + row] = between(g / root, splat(-3.0f), splat(3.0f));
        float typical = row < COLOUR ? 0.3f * error : __builtin_sqrtf(error);
        feature[2 * NETWORK_ROWS + row] = 0.3f * log_of(root * unit[row] / (g2 * (6.28f * typical)) + 1e-6f);
    }
    vec *rest = feature + 3 * NETWORK_ROWS;
    rest[0] = b->value[LOG_SCALE] - net->log_base + 1.0f;
    rest[1] = b->value[LOG_ASPECT];
    rest[2] = magnitude(b->value[LOG_ASPECT]);
    rest[3] = 0.5f * (b->value[LOG_SCALE] - 0.7f);
    rest[4] = 0.3f * log_of(splat(error)) + 1.5f;
    rest[5] = splat(0.3f * net->log_age);
}

/* As far as the network says, in units of the Gaussian. */
static inline void move_by_network(const core_fit *t, block *b, float error) {
    static const float UNITS[NETWORK_ROWS] = {0.5f, 0.5f, 0.2f, 0.3f, 0.5f, 0.06f, 0.06f, 0.06f};
    const core_fit_adam *a = t->adam;
    const vec wide = splat(1e6f);
    vec feature[CORE_NETWORK_FEATURES], hidden[2][CORE_NETWORK_HIDDEN], step[NETWORK_ROWS], sine, cosine, x = b->gradient[MEAN_X], y = b->gradient[MEAN_Y];
    int32_t units = (int32_t)t->network->hidden;
    sine_cosine(b->value[ANGLE], &sine, &cosine);
    b->gradient[MEAN_X] = cosine * x + sine * y; /* along, across */
    b->gradient[MEAN_Y] = cosine * y - sine * x;
    make_features(t, b, error, feature);
    const float *weights = network_layer(t->network->weights, feature, CORE_NETWORK_FEATURES, hidden[0], units, 1);
    weights = network_layer(weights, hidden[0], units, hidden[1], units, 1);
    network_layer(weights, hidden[1], units, step, NETWORK_ROWS, 0);
    for (int32_t row = 0; row < NETWORK_ROWS; row++) step[row] *= UNITS[row] * t->network->gain;
    vec along = step[MEAN_X] * exp_of(b->value[LOG_SCALE] + 0.5f * b->value[LOG_ASPECT]);
    vec across = step[MEAN_Y] * exp_of(b->value[LOG_SCALE] - 0.5f * b->value[LOG_ASPECT]);
    vec ratio = exp_of(b->value[LOG_ASPECT]), sinh_2 = ratio - 1.0f / ratio;
    settle(t, b, MEAN_X, cosine * along - sine * across, splat(0.0f), splat(a->end_x));
    settle(t, b, MEAN_Y, sine * along + cosine * across, splat(0.0f), splat(a->end_y));
    settle(t, b, LOG_SCALE, step[LOG_SCALE], splat(a->least_scale), splat(a->most_scale));
    settle(t, b, LOG_ASPECT, step[LOG_ASPECT], splat(-a->most_aspect), splat(a->most_aspect));
    settle(t, b, ANGLE, step[ANGLE] / root_of(1.0f + sinh_2 * sinh_2), -wide, wide);
    for (int32_t row = COLOUR; row < NETWORK_ROWS; row++) settle(t, b, row, step[row], -wide, wide);
}

static inline void read_frozen(const core_fit *t, block *b) {
    static const int32_t BITS[MOST_ROWS] = {CORE_FROZEN_MEAN, CORE_FROZEN_MEAN, CORE_FROZEN_LOG_SCALE, CORE_FROZEN_ASPECT, CORE_FROZEN_ANGLE,
                                            CORE_FROZEN_COLOUR, CORE_FROZEN_COLOUR, CORE_FROZEN_COLOUR, CORE_FROZEN_COLOUR};
    ivec bits = {0};
    for (int32_t lane = 0; lane < b->lanes; lane++) bits[lane] = t->frozen[b->at + lane];
    for (int32_t row = 0; row < COLOUR + t->channels; row++) b->frozen[row] = (bits & BITS[row]) != 0;
}

/* Mean squared error of the step: each item adds it up for itself, in the same order. */
static float error_of(const core_fit *t) {
    double sum = 1e-9;
    for (int64_t tile = 0; tile < core_fit_tiles(t->width, t->height); tile++) sum += t->tile_squares[tile];
    return (float)(sum / (double)(t->width * t->height * t->channels));
}

void AT_LEVEL(fit_move)(core_fit *t, int64_t first, int64_t last) {
    float error = t->network == NULL ? 0.0f : error_of(t);
    for (int64_t i = first; i < last; i += LANES) {
        block b = {.at = i, .lanes = (int32_t)min64(LANES, last - i)};
        vec sums[CORE_FIT_SUMS];
        read_frozen(t, &b);
        for (int32_t row = 0; row < COLOUR + t->channels; row++) b.value[row] = load_lanes(t->values + row * t->count + i, b.lanes);
        add_tiles(t, &b, sums);
        make_gradient(t, &b, sums);
        if (t->rate != NULL) add_rate(t, &b);
        if (t->network != NULL) move_by_network(t, &b, error);
        else move(t, &b);
    }
}
