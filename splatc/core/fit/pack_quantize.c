/* Gaussians -> integers (spec/quantization.md), in float64 with a logarithm of our own. */
#include "internal.h"
#include "pack.h"

static const double PI = 3.141592653589793, LN2 = 0.6931471805599453, UNIT = 1.0 / 4294967296.0, MAX_COLOUR = 4.0;
enum { MAX_COLOUR_INDEX = 32767 };

/* log2 to 1e-15, exact of powers of 2; -2000 of what is not above 0, 2000 of infinity. */
static double log2_of_scale(float scale) {
    double x = (double)scale;
    if (!(x > 0.0)) return -2000.0;
    if (x > 3.5e38) return 2000.0;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023; /* every float above 0 is a normal double */
    bits = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1023 << 52;
    double fraction, sum = 0.0;
    memcpy(&fraction, &bits, sizeof fraction);
    if (fraction > 1.4142135623730951) fraction *= 0.5, exponent++;
    double t = (fraction - 1.0) / (fraction + 1.0), square = t * t; /* |t| < 0.172 */
    for (int32_t k = 21; k > 0; k -= 2) sum = sum * square + 1.0 / k;
    return (double)exponent + 2.0 * t * sum * 1.4426950408889634;
}

static double clamp(double x, double low, double high) { return x > low ? x < high ? x : high : low; } /* what is not a number becomes the lowest */

/* The nearest whole number, of two equally near the even one, as a double. */
static double nearest_whole(double x) {
    double below = (double)floor64(x), rest = x - below;
    return below + (rest > 0.5 || (rest == 0.5 && floor64(below * 0.5) * 2 != floor64(below)) ? 1.0 : 0.0);
}

static int64_t cells_of(int64_t extent, int64_t step) { return ((extent << 32) + step - 1) / step; }

/* The sub-cell offset of a place in a cell, relative to the middle, in its sides. */
static int32_t offset_of(double dx, double dy, double half_turns, int32_t offsets) {
    double sine, cosine;
    sine_and_cosine(half_turns, &sine, &cosine);
    double across = (dy * cosine - dx * sine) / ((cosine < 0 ? -cosine : cosine) + (sine < 0 ? -sine : sine)) + 0.5;
    return (int32_t)clamp((double)floor64(across * offsets), 0.0, offsets - 1.0);
}

/* Gray, RGB, alpha -> coded channels. */
static void coded_colour(int32_t channels, const float *values, double *coded) {
    for (int32_t c = 0; c < channels; c++) coded[c] = (double)values[c];
    if (channels < 3) return;
    double red = coded[0], green = coded[1], blue = coded[2];
    coded[0] = (red + green + blue) / 3.0;
    coded[1] = (red - blue) / 2.449489742;
    coded[2] = (red - 2.0 * green + blue) / 4.242640686;
}

static void quantize_colour(const core_quantizing *t, int64_t i, int32_t level) {
    double coded[CORE_MAX_CHANNELS];
    int32_t channels = t->steps->channels;
    coded_colour(channels, t->gaussians.colour + i * channels, coded);
    for (int32_t c = 0; c < channels; c++) {
        double step = (double)t->steps->colour[level][c] * UNIT, limit = MAX_COLOUR / step;
        if (limit > (double)MAX_COLOUR_INDEX) limit = (double)MAX_COLOUR_INDEX;
        t->columns.colour[i * channels + c] = (int32_t)clamp(nearest_whole(coded[c] / step), -limit, limit);
    }
}

static void quantize_one(const core_quantizing *t, int64_t i) {
    const core_steps *steps = t->steps;
    double first = log2_of_scale(t->gaussians.scale[2 * i]), second = log2_of_scale(t->gaussians.scale[2 * i + 1]), bins = steps->log_scales;
    int32_t bin = (int32_t)clamp((double)floor64(((first + second) / 2.0 + 1.0) * bins), 0.0, (double)CORE_MAX_LEVELS * bins - 1.0);
    int32_t level = bin / steps->log_scales;
    double log_aspect = (first - second) * LN2, aspect_step = (double)steps->aspect * UNIT;
    int32_t aspect = (int32_t)clamp(nearest_whole(log_aspect / aspect_step), 0.0, (double)(CORE_ASPECTS - 1));
    int32_t directions = steps->directions[level][aspect];
    int64_t angle = floor64(nearest_whole((double)(t->gaussians.angle[i] / (float)PI) * directions)) % directions;
    angle += angle < 0 ? directions : 0;
    double step = (double)steps->position[level] * UNIT, across = (double)t->gaussians.mean[2 * i] / step, down = (double)t->gaussians.mean[2 * i + 1] / step;
    double x = clamp((double)floor64(across), 0.0, (double)(cells_of(t->width, steps->position[level]) - 1));
    double y = clamp((double)floor64(down), 0.0, (double)(cells_of(t->height, steps->position[level]) - 1));
    t->columns.level[i] = level;
    t->columns.log_scale[i] = bin % steps->log_scales;
    t->columns.aspect[i] = aspect;
    t->columns.angle[i] = (int32_t)angle;
    t->columns.x[i] = (int32_t)min64((int64_t)x, INT32_MAX);
    t->columns.y[i] = (int32_t)min64((int64_t)y, INT32_MAX);
    t->columns.offset[i] = steps->offsets[aspect] == 1
                       ? 0
                       : offset_of(across - (x + 0.5), down - (y + 0.5), (double)angle / directions, steps->offsets[aspect]);
    quantize_colour(t, i, level);
}

int32_t core_quantize(const core_quantizing *t, int64_t first, int64_t count) {
    if (t == NULL || !steps_are_sound(t->steps) || t->count < 0 || first < 0 || count < 0 || first > t->count - count) return CORE_INVALID;
    if (t->width < 1 || t->height < 1 || t->width > 1 << 20 || t->height > 1 << 20) return CORE_INVALID;
    for (int64_t i = first; i < first + count; i++) quantize_one(t, i);
    return CORE_OK;
}
