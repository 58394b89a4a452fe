// What the fit knows of a Gaussian and of a pixel under it. Device code for NVRTC; the tests compile the same text as host C++.
//
// CHANNELS (1 to 4), NORMALIZED (0, 1) and SIXTEEN_BIT (1: samples of 16 bits) are defined before.

#include "pixel.cuh"

constexpr int PLANES = CHANNELS + NORMALIZED;  // what is summed per pixel: colours, and the weight
constexpr int COORDINATES = 5 + CHANNELS;      // rows of the parameters: mean x, mean y, log scale, log aspect ratio, angle, colours
constexpr int MOMENTS = 5 + PLANES;            // sums of h u, h v, h u^2, h u v, h v^2, and the gradient by the planes
constexpr int LEVELS = 16, ASPECTS = 64;        // of the table of steps
constexpr float RADIUS = 3.5f;                 // where a Gaussian ends, in standard deviations: sqrt(Q_MAX)
constexpr int BIN = 64;                        // px a side: the squares that have lists of Gaussians
constexpr unsigned ALL = 0xffffffffu;          // lanes
constexpr float PER_ROOT2 = 1.3862943611198906f;  // 1 / ROOT^2
constexpr float SLACK = 1.0f / 64.0f;          // px: so rounding hides no pixel; pixels too many weigh nothing

#if SIXTEEN_BIT
typedef unsigned short Sample;
#else
typedef unsigned char Sample;
#endif

// One Gaussian in the samples of a subset; ux, uy, vx and vy are its Axes.
struct alignas(16) Record {
    float x, y, ux, uy;
    float vx, vy, extent_x, extent_y;
    // In the row dy below the mean the ellipse spans slope dy +- half sqrt(1 - (dy per_y)^2); it is furthest right at dy = apex.
    float slope, half, apex, per_y;
    float colour[4];
};

// Its quarters [first, last), of 16 bytes each.
__device__ inline void load(Record& to, const Record* from, int first, int last) {
    const float4* source = reinterpret_cast<const float4*>(from);
    float4* target = reinterpret_cast<float4*>(&to);
    for (int k = first; k < last; k++) target[k] = source[k];
}

__device__ inline float clamp(float value, float low, float high) { return fminf(fmaxf(value, low), high); }

// A Gaussian at (x, y) with scales s1, s2 in samples and an angle in rad; the colour is left alone.
__device__ inline void place(Record& r, float x, float y, float s1, float s2, float angle) {
    float sin, cos;
    sincospif(angle * 0.31830988618379067f, &sin, &cos);  // sincosf would keep a table in local memory for huge angles
    float v1 = s1 * s1, v2 = s2 * s2;
    float xx = cos * cos * v1 + sin * sin * v2, yy = sin * sin * v1 + cos * cos * v2, xy = cos * sin * (v1 - v2);
    float root_x = sqrtf(xx), root_y = sqrtf(yy);
    Axes axes = make_axes(cos, sin, s1, s2);
    r.x = x, r.y = y;
    r.ux = axes.ux, r.uy = axes.uy, r.vx = axes.vx, r.vy = axes.vy;
    r.extent_x = RADIUS * root_x, r.extent_y = RADIUS * root_y;
    r.slope = xy / yy, r.half = RADIUS * s1 * s2 / root_y;
    r.apex = RADIUS * xy / root_x, r.per_y = 1.0f / r.extent_y;
}

// First and one past the last sample whose centre lies within `extent` of `centre`, clipped to [0, end).
__device__ inline void span(float centre, float extent, int end, int& first, int& last) {
    first = max(static_cast<int>(ceilf(centre - extent - 0.5f)), 0);
    last = min(static_cast<int>(floorf(centre + extent - 0.5f)) + 1, end);
}

__device__ inline float half_width(const Record& r, float dy) {
    float part = dy * r.per_y;
    return r.half * sqrtf(fmaxf(1.0f - part * part, 0.0f));
}

// The samples of row y under the ellipse: [first, last).
__device__ inline void row_span(const Record& r, int y, int width, int& first, int& last) {
    float dy = y + 0.5f - r.y;
    span(r.x + r.slope * dy, half_width(r, dy) + SLACK, width, first, last);
}

// Whether its bounding box does; needs but half of the record.
__device__ inline bool box_reaches(const Record& r, float left, float right, float top, float bottom) {
    return r.x + r.extent_x >= left && r.x - r.extent_x <= right && r.y + r.extent_y >= top && r.y - r.extent_y <= bottom;
}

// Whether the ellipse may reach a sample whose centre lies in [left, right] x [top, bottom].
__device__ inline bool reaches(const Record& r, float left, float right, float top, float bottom) {
    top = fmaxf(top - r.y, -r.extent_y), bottom = fminf(bottom - r.y, r.extent_y);
    if (top > bottom) return false;
    float at = clamp(r.apex, top, bottom), far_right = r.slope * at + half_width(r, at);
    at = clamp(-r.apex, top, bottom);
    float far_left = r.slope * at - half_width(r, at);
    return r.x + far_right + SLACK >= left && r.x + far_left - SLACK <= right;
}

// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): four words for each counter and key.
struct Words {
    unsigned word[4];
};

__device__ inline Words philox(unsigned c0, unsigned c1, unsigned c2, unsigned c3, unsigned k0, unsigned k1) {
    for (int round = 0; round < 10; round++) {
        unsigned long long a = 0xD2511F53ull * c0, b = 0xCD9E8D57ull * c2;
        c0 = static_cast<unsigned>(b >> 32) ^ c1 ^ k0;
        c2 = static_cast<unsigned>(a >> 32) ^ c3 ^ k1;
        c1 = static_cast<unsigned>(b), c3 = static_cast<unsigned>(a);
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

// In [-1/2, 1/2).
__device__ inline float centred(unsigned word) { return (word >> 8) * (1.0f / 16777216.0f) - 0.5f; }

// Columns of the inverse colour transform, of equal length (splatc/quantize.py): R = Y + A U + B V, G = Y - 2 B V, B = Y - A U + B V.
constexpr float AXIS_U = 1.224744871f, AXIS_V = 0.707106781f;

__device__ inline void to_rgb(float* c) {
    if (CHANNELS < 3) return;
    float luma = c[0], u = AXIS_U * c[1], v = AXIS_V * c[2];
    c[0] = luma + u + v, c[1] = luma - 2.0f * v, c[2] = luma - u + v;
}

// The gradient by R, G, B to that by Y, U, V.
__device__ inline void to_coded_gradient(float* g) {
    if (CHANNELS < 3) return;
    float red = g[0], green = g[1], blue = g[2];
    g[0] = red + green + blue, g[1] = AXIS_U * (red - blue), g[2] = AXIS_V * (red - 2.0f * green + blue);
}
