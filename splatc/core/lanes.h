/* Vectors of floats as wide as the instruction set has them, and an exponential; the same operations on each lane whatever the width. */
#ifndef SPLATC_CORE_LANES_H
#define SPLATC_CORE_LANES_H

#include <stdint.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

/* The name of a function of a hot file, which is compiled once for each instruction set. */
#define JOIN(a, b) a##_##b
#define WITH_LEVEL(name, level) JOIN(name, level)
#define AT_LEVEL(name) WITH_LEVEL(name, CORE_LEVEL)

typedef float vec __attribute__((vector_size(4 * LANES), may_alias, aligned(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), may_alias, aligned(4 * LANES)));

static inline vec splat(float x) { return (vec){0} + x; }
static inline vec choose(ivec mask, vec a, vec b) { return (vec)(((ivec)a & mask) | ((ivec)b & ~mask)); }
static inline vec positive_part(vec x) { return (vec)((ivec)x & (x > splat(0.0f))); }
static inline vec at_most_one(vec x) { return choose(x < splat(1.0f), x, splat(1.0f)); }

/* 2^t, relative error 2e-7; exponents below -126 give 2^-126: minimax polynomial on [-1/2, 1/2]. */
static inline vec exp2_of(vec t) {
    t = choose(t > splat(-126.0f), t, splat(-126.0f));
    vec half = (vec)(((ivec)t & INT32_MIN) | (ivec)splat(0.5f)); /* with the sign of t: the conversion cuts off towards 0 */
    ivec whole = __builtin_convertvector(t + half, ivec);
    vec f = t - __builtin_convertvector(whole, vec);
    vec p = splat(0.00132186725f);
    p = p * f + 0.00967169794f;
    p = p * f + 0.0555089295f;
    p = p * f + 0.24022238f;
    p = p * f + 0.693146856f;
    p = p * f + 1.0f;
    return (vec)((ivec)p + (whole << 23));
}

#endif
