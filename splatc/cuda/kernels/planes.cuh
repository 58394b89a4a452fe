// What a weight of 1 adds to the planes of the accumulator: CHANNELS colours and, for the normalized blend, the weight.
#pragma once

constexpr int PLANES = CHANNELS + NORMALIZED;

// Padded to whole loads of 16 bytes.
struct alignas(16) Planes {
    float value[PLANES <= 4 ? 4 : 8];
};
