/* Functions of vectors of floats that a fit needs, as the same operations on every lane. */
#ifndef SPLATC_CORE_VECTOR_MATH_H
#define SPLATC_CORE_VECTOR_MATH_H

#include "lanes.h"

typedef uint32_t uvec __attribute__((vector_size(4 * LANES), may_alias, aligned(4 * LANES)));
typedef float loose_vec __attribute__((vector_size(4 * LANES), may_alias, aligned(4))); /* in memory, anywhere */

static inline vec load(const float *from) { return *(const loose_vec *)from; }
static inline void store(float *to, vec value) { *(loose_vec *)to = value; }
static inline vec lesser(vec a, vec b) { return choose(a < b, a, b); }
static inline vec greater(vec a, vec b) { return choose(a > b, a, b); }
static inline vec between(vec x, vec low, vec high) { return lesser(greater(x, low), high); }
static inline vec magnitude(vec x) { return (vec)((ivec)x & INT32_MAX); }
static inline vec as_floats(ivec x) { return __builtin_convertvector(x, vec); }

static inline vec root_of(vec x) {
    vec result;
    for (int32_t i = 0; i < LANES; i++) result[i] = __builtin_sqrtf(x[i]);
    return result;
}

/* The whole number next to x, |x| < 2^30; halves away from 0. */
static inline ivec nearest(vec x) {
    vec half = (vec)(((ivec)x & INT32_MIN) | (ivec)splat(0.5f));
    return __builtin_convertvector(x + half, ivec);
}
static inline ivec floor_of(vec x) {
    ivec whole = __builtin_convertvector(x, ivec); /* cut off towards 0 */
    return whole + (as_floats(whole) > x);
}
static inline ivec ceil_of(vec x) {
    ivec whole = __builtin_convertvector(x, ivec);
    return whole - (as_floats(whole) < x);
}

static inline vec exp_of(vec x) { return exp2_of(x * 1.44269504f); }

/* Sine and cosine, absolute error 1e-6 for |x| < 1000: reduced to [-pi/4, pi/4] in three steps, minimax polynomials there. */
static inline void sine_cosine(vec x, vec *sine, vec *cosine) {
    ivec quarter = nearest(x * 0.636619772f);
    vec q = as_floats(quarter);
    vec r = ((x - q * 1.5703125f) - q * 4.837512969970703e-4f) - q * 7.549789954891882e-8f;
    vec r2 = r * r;
    vec s = r + r * r2 * (-1.6666654611e-1f + r2 * (8.3321608736e-3f + r2 * -1.9515295891e-4f));
    vec c = 1.0f - 0.5f * r2 + r2 * r2 * (4.166664568298827e-2f + r2 * (-1.388731625493765e-3f + r2 * 2.443315711809948e-5f));
    ivec odd = -(quarter & 1);
    *sine = (vec)((ivec)choose(odd, c, s) ^ ((quarter & 2) << 30));
    *cosine = (vec)((ivec)choose(odd, s, c) ^ (((quarter + 1) & 2) << 30));
}

/* The sum of 16 floats, lane i and lane i + 8 first, whatever the width of vectors. */
static inline float sum_of_16(const float *x) {
    typedef float four __attribute__((vector_size(16), may_alias, aligned(16)));
    const four *v = (const four *)(const void *)x;
    four sum = (v[0] + v[2]) + (v[1] + v[3]);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* A well-mixed number of each (Wellons, "lowbias32"). */
static inline uvec mixed(uvec x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ (x >> 16);
}

#endif
