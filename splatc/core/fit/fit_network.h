/* Where a small network says a Gaussian should go: its gradient, how that has varied and what it is like -> a step in its own units.

   The network was taught what many steps of Adam make of Gaussians in such a state (tools/train_air.py). Its weights lie in groups of GROUP outputs, so that
   a group's sums stay in registers. */
#ifndef SPLATC_CORE_FIT_NETWORK_H
#define SPLATC_CORE_FIT_NETWORK_H

#include "fit_internal.h"
#include "vector_math.h"

enum { NETWORK_ROWS = 8, GROUP = 8 };

/* ln x of normal x > 0, absolute error 1e-5. */
static inline vec log_of(vec x) {
    ivec bits = (ivec)x, exponent = ((bits - 0x3F3504F3) >> 23);
    vec f = (vec)(bits - (exponent << 23)) - 1.0f; /* in [sqrt(1/2) - 1, sqrt(2) - 1] */
    vec z = f / (f + 2.0f), z2 = z * z;
    vec log = 2.0f * z * (1.0f + z2 * (0.333333333f + z2 * (0.2f + z2 * 0.142857143f)));
    return log + 0.693147181f * as_floats(exponent);
}

/* outputs[j] = bias[j] + sum of weights by inputs; `outputs` is a multiple of GROUP. Returns what lies behind its weights. */
static inline const float *network_layer(const float *weights, const vec *in, int32_t inputs, vec *out, int32_t outputs, int32_t rectified) {
    for (int32_t first = 0; first < outputs; first += GROUP) {
        vec sum[GROUP];
        for (int32_t j = 0; j < GROUP; j++) sum[j] = splat(weights[j]);
        weights += GROUP;
        for (int32_t k = 0; k < inputs; k++, weights += GROUP) {
            vec x = in[k];
            sum[0] += weights[0] * x, sum[1] += weights[1] * x, sum[2] += weights[2] * x, sum[3] += weights[3] * x;
            sum[4] += weights[4] * x, sum[5] += weights[5] * x, sum[6] += weights[6] * x, sum[7] += weights[7] * x;
        }
        for (int32_t j = 0; j < GROUP; j++) out[first + j] = rectified ? positive_part(sum[j]) : sum[j];
    }
    return weights;
}

#endif
