// The picture model of spec/picture.md for one Gaussian and one point, in float32: shared by the decoder and the fit, and compiled as
// C++17 for the host by the tests, which hold it to the float64 reference.
//
// Weights are 2^-(u^2 + v^2) - SPLATC_CUTOFF, u and v along the axes of the Gaussian: unlike A dx^2 + B dx dy + C dy^2 this keeps its digits far
// from the mean of a thin, tilted Gaussian, where those terms cancel.
#pragma once

#ifdef __CUDACC__
#define SPLATC_INLINE __host__ __device__ __forceinline__
#else
#include <cmath>
#define SPLATC_INLINE inline
#endif

constexpr float SPLATC_CUTOFF = 0.002187491118182885f;   // exp(-Q_MAX / 2), Q_MAX = 12.25
constexpr float SPLATC_END = 8.836507092644404f;      // Q_MAX / 2 * log2(e): u^2 + v^2 on the ellipse where a Gaussian ends
constexpr float SPLATC_ROOT = 0.8493218002880191f;    // sqrt(log2(e) / 2)
constexpr float SPLATC_EPSILON = 1e-4f;               // weight of the background in the normalized blend

// The axes of a Gaussian over its standard deviations, times ROOT; 1/px. u = ux dx + uy dy, v = vx dx + vy dy.
struct alignas(16) Axes {
    float ux, uy, vx, vy;
};

// Its mean: whole grid points right of and below an origin, and the fraction of one beyond. What is drawn is placed relative to its tile
// by an exact difference of integers, so no digit depends on where a region begins.
struct alignas(16) Place {
    int x, y;
    float fx, fy;
};

SPLATC_INLINE float splatc_exp2(float t) {
#ifdef __CUDA_ARCH__
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(t));  // 2 ulp; exp2f adds steps for results that are not normal
    return result;
#else
    return std::exp2(t);
#endif
}

// `axis_x`, `axis_y`: cosine and sine of the angle of the s1 axis.
SPLATC_INLINE Axes make_axes(float axis_x, float axis_y, float s1, float s2) {
    float long_axis = SPLATC_ROOT / s1, short_axis = SPLATC_ROOT / s2;
    return {long_axis * axis_x, long_axis * axis_y, -short_axis * axis_y, short_axis * axis_x};
}

// One coordinate of a mean on the supersampling grid: `px * grid_scale - shift` points of it from the corner of the picture, `origin` of them whole.
SPLATC_INLINE void make_place(double px, double grid_scale, double shift, double origin, int& whole, float& fraction) {
    double placed = px * grid_scale - shift - origin, below = floor(placed);
    fraction = float(placed - below);
    double bound = 1 << 30;  // farther away it is never visible
    whole = int(below < -bound ? -bound : below > bound ? bound : below);
}

// What comes before the weight: 2^-(u^2 + v^2).
SPLATC_INLINE float gauss(float u, float v) { return splatc_exp2(-(u * u + v * v)); }

// Clamped to 0..1: on a GPU a part of the addition or multiplication before.
SPLATC_INLINE float clamped(float value) {
#ifdef __CUDA_ARCH__
    return __saturatef(value);
#else
    return fminf(fmaxf(value, 0.0f), 1.0f);
#endif
}

SPLATC_INLINE float weight(float u, float v) { return clamped(gauss(u, v) - SPLATC_CUTOFF); }

// A standard deviation with the variance added that a grid point stands for (spec/picture.md, "Scaled drawing"), px.
SPLATC_INLINE float filtered(float scale, float variance) { return sqrtf(scale * scale + variance); }

// A sum of weighted colours, blended: `inverse` is 1 / (sum of weights + EPSILON).
SPLATC_INLINE float normalized(float sum, float inverse, float background) {
    return (sum + SPLATC_EPSILON * background) * inverse;
}

// An integer sample of a clamped value: rounded, halves up.
SPLATC_INLINE unsigned rounded(float value, float peak) { return unsigned(value * peak + 0.5f); }

// How far a Gaussian reaches from its mean, grid points: half the width and the height of its bounding box.
SPLATC_INLINE void extent_of(const Axes& a, float& extent_x, float& extent_y) {
    float inverse = 1.0f / (a.ux * a.vy - a.uy * a.vx);
    extent_x = sqrtf(SPLATC_END * (a.uy * a.uy + a.vy * a.vy)) * inverse;
    extent_y = sqrtf(SPLATC_END * (a.ux * a.ux + a.vx * a.vx)) * inverse;
}

// The outline of a Gaussian, ready to be cut by rows: dx = slope dy +- sqrt(width - bend dy^2), for |dy| <= extent_y. It is widest to the
// right where dy = apex, to the left where dy = -apex. No term cancels: the determinant of the axes is a sum of two positive products.
struct alignas(16) Outline {
    float slope, width, bend, apex;
    float extent_x, extent_y, unused[2];
};

SPLATC_INLINE Outline make_outline(const Axes& axes) {
    Outline out = {};
    extent_of(axes, out.extent_x, out.extent_y);
    float a = axes.ux * axes.ux + axes.vx * axes.vx, c = axes.uy * axes.uy + axes.vy * axes.vy;
    float b = axes.ux * axes.uy + axes.vx * axes.vy, bend = (axes.ux * axes.vy - axes.uy * axes.vx) / a;
    out.slope = -b / a, out.width = SPLATC_END / a, out.bend = bend * bend, out.apex = -b / c * out.extent_x;
    return out;
}

// The part [left, right] of the x axis, relative to the mean, that a Gaussian covers within rows low <= dy <= high; empty where
// left > right. Exact but for rounding: the part of an ellipse in a strip is convex, so a tile of the strip meets it where the spans
// overlap.
SPLATC_INLINE void strip_span(const Outline& out, float low, float high, float& left, float& right) {
    left = 1.0f, right = -1.0f;
    if (low > out.extent_y || high < -out.extent_y) return;
    low = fmaxf(low, -out.extent_y), high = fminf(high, out.extent_y);
    float y = fminf(fmaxf(out.apex, low), high);
    right = out.slope * y + sqrtf(fmaxf(out.width - out.bend * y * y, 0.0f));
    y = fminf(fmaxf(-out.apex, low), high);
    left = out.slope * y - sqrtf(fmaxf(out.width - out.bend * y * y, 0.0f));
}
