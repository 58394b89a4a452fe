// From moments to gradients, and one step of Adam within bounds.

// By mean x, mean y, log scale, log aspect ratio, angle and the coded colours, times reduction^2: of all samples of the picture, as far as
// the subset gives. u and v are scaled already, so nothing cancels for thin Gaussians.
__device__ inline void gradient_of(const Record& r, const float* moments, float reduction, float* g) {
    float all = reduction * reduction;
    float u = PER_ROOT2 * moments[0], v = PER_ROOT2 * moments[1];
    g[0] = (r.ux * u + r.vx * v) * reduction;  // u and v are in samples
    g[1] = (r.uy * u + r.vy * v) * reduction;
    float by_s1 = all * PER_ROOT2 * moments[2], by_s2 = all * PER_ROOT2 * moments[4];
    g[2] = by_s1 + by_s2;
    g[3] = 0.5f * (by_s1 - by_s2);
    float thin = sqrtf((r.vx * r.vx + r.vy * r.vy) / (r.ux * r.ux + r.uy * r.uy));  // s1 / s2
    g[4] = all * (thin - 1.0f / thin) * PER_ROOT2 * moments[3];
    for (int c = 0; c < CHANNELS; c++) g[5 + c] = all * moments[5 + c];
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
// unbias1 and unbias2 are 1 / (1 - beta^steps). `far` is the largest ln of a size. predictions (count, 2, CHANNELS), if `rated`: the
// predicted colours and their steps; worth0 to worth3 and aspect_worth: what a step away from them costs, and from a round Gaussian.
// Eight blocks on a multiprocessor, so 64 registers: left to itself NVRTC takes 48 on sm_90 and spills where there are two channels.
extern "C" __global__ void __launch_bounds__(128, 8) update(
    int count, const Record* records, const float* moments, const unsigned char* frozen, int due, float reduction, float rate_mean,
    float rate_log_scale, float rate_aspect, float rate_angle, float rate_colour, float beta1, float beta2, float unbias1, float unbias2,
    float epsilon, float right, float bottom, float near, float far, float thinnest, int rated, const float* predictions, float worth0,
    float worth1, float worth2, float worth3, float aspect_step, float aspect_worth, float soft, float* parameters, float* first,
    float* second) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float g[COORDINATES];
    gradient_of(records[i], moments + static_cast<size_t>(i) * MOMENTS, reduction, g);
    if (rated) {
        float worth[4] = {worth0, worth1, worth2, worth3};
        g[3] += aspect_worth / aspect_step * direction(parameters[3 * static_cast<size_t>(count) + i] / aspect_step, soft);
        for (int c = 0; c < CHANNELS; c++) {
            const float* prediction = predictions + (static_cast<size_t>(i) * 2) * CHANNELS + c;
            float away = parameters[static_cast<size_t>(5 + c) * count + i] - prediction[0];
            g[5 + c] += worth[c] / prediction[CHANNELS] * direction(away / prediction[CHANNELS], soft);
        }
    }
    int moves = due & ~frozen[i];
    size_t row = count;
    auto adam = [&](int k, float gradient) {  // how far it goes at rate 1, against the gradient
        size_t at = k * row + i;
        float m = first[at] = beta1 * first[at] + (1.0f - beta1) * gradient;
        float s = second[at] = beta2 * second[at] + (1.0f - beta2) * gradient * gradient;
        return (m * unbias1) / (sqrtf(s * unbias2) + epsilon);
    };
    // In units of each Gaussian: its mean moves along and across it, by s1 and s2, and a long one rotates little.
    float log_scale = parameters[2 * row + i], log_aspect = parameters[3 * row + i];
    if (due & 1) {
        float sine, cosine;
        sincospif(parameters[4 * row + i] * 0.31830988618379067f, &sine, &cosine);
        float along = adam(0, cosine * g[0] + sine * g[1]), across = adam(1, cosine * g[1] - sine * g[0]);
        if (moves & 1) {
            along *= rate_mean * expf(log_scale + 0.5f * log_aspect);
            across *= rate_mean * expf(log_scale - 0.5f * log_aspect);
            parameters[i] = clamp(parameters[i] - (cosine * along - sine * across), 0.0f, right);
            parameters[row + i] = clamp(parameters[row + i] - (sine * along + cosine * across), 0.0f, bottom);
        }
    }
    float steep = expf(log_aspect) - expf(-log_aspect);  // 2 sinh
    for (int k = 2; k < COORDINATES; k++) {
        int bit = k < 5 ? 1 << (k - 1) : 16;
        if (!(due & bit)) continue;
        float step = adam(k, g[k]);
        if (!(moves & bit)) continue;
        float rate = k == 2 ? rate_log_scale : k == 3 ? rate_aspect : k == 4 ? rate_angle / sqrtf(1.0f + steep * steep) : rate_colour;
        float value = parameters[k * row + i] - rate * step;
        if (k == 2) value = clamp(value, near, far);
        if (k == 3) value = clamp(value, -thinnest, thinnest);
        parameters[k * row + i] = value;
    }
}
