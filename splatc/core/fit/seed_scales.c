/* First scales of Gaussians at detail. */
#include "seed.h"

#include "internal.h"
#include "lanes.h"

int32_t core_shrink_scales(const float *weight, int64_t count, float base, float *scale) {
    const float half_log2_e = 0.72134752f;
    if (count < 0 || (count > 0 && (weight == NULL || scale == NULL))) return CORE_INVALID;
    for (int64_t i = 0; i < count; i++) scale[i] = base * exp2_of(splat(-half_log2_e * weight[i]))[0];
    return CORE_OK;
}
