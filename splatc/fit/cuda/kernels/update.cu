// From moments to gradients, and one step of Adam within bounds.

// By mean x, mean y, size, ratio, angle and the coded colours (splatc/fit/gather.py has the chain rule from x and y; here u and v are
// scaled already, so nothing cancels for thin Gaussians).
__device__ inline void gradient_of(const Record& r, const float* moments, float reduction, float* g) {
    float u = PER_ROOT2 * moments[0], v = PER_ROOT2 * moments[1];
    g[0] = (r.ux * u + r.vx * v) / reduction;
    g[1] = (r.uy * u + r.vy * v) / reduction;
    float by_s1 = PER_ROOT2 * moments[2], by_s2 = PER_ROOT2 * moments[4];
    g[2] = by_s1 + by_s2;
    g[3] = 0.5f * (by_s1 - by_s2);
    float thin = sqrtf((r.vx * r.vx + r.vy * r.vy) / (r.ux * r.ux + r.uy * r.uy));  // s1 / s2
    g[4] = (thin - 1.0f / thin) * PER_ROOT2 * moments[3];
    for (int c = 0; c < CHANNELS; c++) g[5 + c] = moments[5 + c];
    to_coded_gradient(g + 5);
}

// gradients (COORDINATES, count)
extern "C" __global__ void __launch_bounds__(128) differentiate(int count, const Record* records, const float* moments,
                                                                float reduction, float* gradients) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float g[COORDINATES];
    gradient_of(records[i], moments + static_cast<size_t>(i) * MOMENTS, reduction, g);
    for (int k = 0; k < COORDINATES; k++) gradients[static_cast<size_t>(k) * count + i] = g[k];
}

// The slope of the rate term (splatc/fit/rate.py): its sign, without the jump at 0, `steps` away from what costs nothing.
__device__ inline float direction(float steps, float soft) { return steps / (fabsf(steps) + soft); }

// parameters, first, second (COORDINATES, count). `due` has a bit for each attribute that moves at all; rates are at this step;
// unbias1 and unbias2 are 1 / (1 - beta^steps). `far` is the largest ln of a size. pulls (count, 2, CHANNELS), if `pulled`: the colours
// that neighbours promise, and their steps; worth0 to worth3 and ratio_worth: what a step away from it costs, and from a round Gaussian.
extern "C" __global__ void __launch_bounds__(128) update(
    int count, const Record* records, const float* moments, const unsigned char* held, int due, float reduction, float rate_mean,
    float rate_size, float rate_ratio, float rate_angle, float rate_colour, float beta1, float beta2, float unbias1, float unbias2,
    float epsilon, float right, float bottom, float near, float far, float thinnest, int pulled, const float* pulls, float worth0,
    float worth1, float worth2, float worth3, float ratio_step, float ratio_worth, float soft, float* parameters, float* first,
    float* second) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float g[COORDINATES];
    gradient_of(records[i], moments + static_cast<size_t>(i) * MOMENTS, reduction, g);
    if (pulled) {
        float worth[4] = {worth0, worth1, worth2, worth3};
        g[3] += ratio_worth / ratio_step * direction(parameters[3 * static_cast<size_t>(count) + i] / ratio_step, soft);
        for (int c = 0; c < CHANNELS; c++) {
            const float* pull = pulls + (static_cast<size_t>(i) * 2) * CHANNELS + c;
            float away = parameters[static_cast<size_t>(5 + c) * count + i] - pull[0];
            g[5 + c] += worth[c] / pull[CHANNELS] * direction(away / pull[CHANNELS], soft);
        }
    }
    int moves = due & ~held[i];
    const float* own = parameters + i;
    size_t row = count;
    float size = own[2 * row], ratio = own[3 * row], cosine, sine;
    sincospif(own[4 * row] * 0.31830988618379067f, &sine, &cosine);
    // Units of each Gaussian (splatc/fit/natural.py): its mean moves along and across it, by s1 and s2, and a long one turns little.
    float by_x = g[0], by_y = g[1], steep = 2.0f * sinhf(ratio);
    g[0] = cosine * by_x + sine * by_y;
    g[1] = cosine * by_y - sine * by_x;
    float rates[5] = {rate_mean * expf(size + 0.5f * ratio), rate_mean * expf(size - 0.5f * ratio), rate_size, rate_ratio,
                      rate_angle / sqrtf(1.0f + steep * steep)};
    float steps[COORDINATES];
    for (int k = 0; k < COORDINATES; k++) {
        int bit = k < 2 ? 1 : k < 5 ? 1 << (k - 1) : 16;
        steps[k] = 0.0f;
        if (!(due & bit)) continue;
        size_t at = k * row + i;
        float m = first[at] = beta1 * first[at] + (1.0f - beta1) * g[k];
        float s = second[at] = beta2 * second[at] + (1.0f - beta2) * g[k] * g[k];
        if (moves & bit) steps[k] = (k < 5 ? rates[k] : rate_colour) * (m * unbias1) / (sqrtf(s * unbias2) + epsilon);
    }
    float along = steps[0], across = steps[1];
    steps[0] = cosine * along - sine * across;
    steps[1] = sine * along + cosine * across;
    for (int k = 0; k < COORDINATES; k++) {
        if (!(moves & (k < 2 ? 1 : k < 5 ? 1 << (k - 1) : 16))) continue;
        float value = parameters[k * row + i] - steps[k];
        if (k < 2) value = clamp(value, 0.0f, k == 0 ? right : bottom);
        if (k == 2) value = clamp(value, near, far);
        if (k == 3) value = clamp(value, -thinnest, thinnest);
        parameters[k * row + i] = value;
    }
}
