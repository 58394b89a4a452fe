// The backward pass and the costs of pruning: each Gaussian gathers what lies under its ellipse. No atomics.
//
// The rows of a Gaussian are divided into parts of about as many samples, a warp for each; its lanes form a grid of 8, 16 or 32 columns,
// as wide as the ellipse is. Lanes add in a fixed order, a warp adds its lanes by a butterfly, and `collect` the parts one after the
// other: the sums are the same however warps are scheduled.

// The Gaussian whose parts [offsets[i], offsets[i + 1]) hold the task.
__device__ inline int owner_of(const int* offsets, int count, int task) {
    int low = 0, high = count;  // offsets[low] <= task < offsets[high]
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (offsets[middle] <= task) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// Calls visit(x, y, u, v, w) for each sample of part `part` of `parts` that the Gaussian may reach; w without the cut-off.
template <class Visit>
__device__ inline void visit_part(const Record& r, int width, int height, int part, int parts, Visit visit) {
    int y0, y1, lane = threadIdx.x & 31;
    span(r.y, r.extent_y, height, y0, y1);
    int rows = y1 - y0;
    y1 = y0 + rows * (part + 1) / parts, y0 = y0 + rows * part / parts;
    int shift = r.half < 7.5f ? 3 : r.half < 15.0f ? 4 : 5, columns = 1 << shift;  // the mean width is pi / 2 half
    for (int top = y0; top < y1; top += 32 >> shift) {
        int y = top + (lane >> shift), first = 0, last = 0;
        if (y < y1) row_span(r, y, width, first, last);
        float dy = y + 0.5f - r.y, u0 = r.uy * dy, v0 = r.vy * dy;
        for (int x = first + (lane & (columns - 1)); __any_sync(ALL, x < last); x += columns) {
            if (x >= last) continue;
            float dx = x + 0.5f - r.x, u = r.ux * dx + u0, v = r.vx * dx + v0;
            float w = gauss(u, v);
            if (w > SPLATC_CUTOFF) visit(x, y, u, v, w);
        }
    }
}

// partial (tasks, MOMENTS): with h the gradient of a Gaussian's exponent -q/2 at a sample, the sums of h u, h v, h u^2, h u v and h v^2,
// and the gradient by its planes.
extern "C" __global__ void __launch_bounds__(128) gather(int count, const Record* records, const int* offsets, int width, int height,
                                                         const float* planes, float* partial, int capacity) {
    int lane = threadIdx.x & 31, warps = gridDim.x * blockDim.x >> 5, tasks = min(offsets[count], capacity);
    for (int task = (blockIdx.x * blockDim.x + threadIdx.x) >> 5; task < tasks; task += warps) {
        int i = owner_of(offsets, count, task);
        Record r;
        load(r, records + i, 0, 4);
        float sum[MOMENTS] = {};
        visit_part(r, width, height, task - offsets[i], offsets[i + 1] - offsets[i], [&](int x, int y, float u, float v, float w) {
            float g[PLANES];
            load_planes(g, planes + (static_cast<size_t>(y) * width + x) * PLANES);
            float m = w - SPLATC_CUTOFF, h = NORMALIZED ? g[PLANES - 1] : 0.0f;
            for (int c = 0; c < CHANNELS; c++) h += g[c] * r.colour[c];
            for (int k = 0; k < PLANES; k++) sum[5 + k] += m * g[k];
            h *= w;
            float hu = h * u, hv = h * v;
            sum[0] += hu, sum[1] += hv, sum[2] += hu * u, sum[3] += hu * v, sum[4] += hv * v;
        });
        for (int k = 0; k < MOMENTS; k++) {
            float all = warp_sum(sum[k]);
            if (lane == 0) partial[static_cast<size_t>(task) * MOMENTS + k] = all;
        }
    }
}

// partial (tasks,): the rise of the squared error if that Gaussian alone were removed. `planes` are the images of raster().
// Normalized: out turns into out + m (out - c) with m = w / (W - w). Sum: into out - w c.
extern "C" __global__ void __launch_bounds__(128) pruning_costs(
    int count, const Record* records, const int* offsets, const Sample* pixels, int pitch, int x0, int y0, int step, int width,
    int height, float unit, const float* planes, float* partial, int capacity) {
    Subset subset = {pixels, pitch, x0, y0, step, width, height, unit};
    int lane = threadIdx.x & 31, warps = gridDim.x * blockDim.x >> 5, tasks = min(offsets[count], capacity);
    for (int task = (blockIdx.x * blockDim.x + threadIdx.x) >> 5; task < tasks; task += warps) {
        int i = owner_of(offsets, count, task);
        Record r;
        load(r, records + i, 0, 4);
        float sum = 0.0f;
        visit_part(r, width, height, task - offsets[i], offsets[i + 1] - offsets[i], [&](int x, int y, float, float, float w) {
            float out[PLANES];
            load_planes(out, planes + (static_cast<size_t>(y) * width + x) * PLANES);
            const Sample* wanted = sample_at(subset, x, y);
            float m = w - SPLATC_CUTOFF;
            m = NORMALIZED ? m / (out[PLANES - 1] - m) : -m;
            for (int c = 0; c < CHANNELS; c++) {
                float change = NORMALIZED ? out[c] - r.colour[c] : r.colour[c];
                float difference = out[c] - wanted[c] * unit;
                sum += m * change * (2.0f * difference + m * change);
            }
        });
        sum = warp_sum(sum);
        if (lane == 0) partial[task] = sum;
    }
}

// sums (count, wide): the parts of each Gaussian in their order, added to what is there if `more`.
extern "C" __global__ void __launch_bounds__(128) collect(int count, int wide, const int* offsets, const float* partial, int capacity,
                                                          int more, float* sums) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count * wide) return;
    int i = at / wide, last = min(offsets[i + 1], capacity);
    float sum = more ? sums[at] : 0.0f;
    for (int task = offsets[i]; task < last; task++) sum += partial[static_cast<size_t>(task) * wide + at % wide];
    sums[at] = sum;
}
