// The tiles of a view, and the box of those that a Gaussian may meet.
#pragma once
#include "pixel.cuh"

// `across` by `down` tiles of width by height grid points each; the corner of the first lies at the origin of `Place`.
struct Tiles {
    int across, down, width, height;
};

// Tiles [x0, x0 + columns) x [y0, ...), `count` of them.
struct alignas(16) Box {
    int x0, y0, columns, count;
};

// The tile in which the grid point `whole + beyond` lies; -1 or `tiles` for those before and after.
SPLATC_INLINE int tile_at(int whole, float beyond, int size, int tiles) {
    float bounded = fminf(fmaxf(floorf(beyond), -536870912.0f), 536870912.0f);
    int point = whole + int(bounded);
    int tile = point >= 0 ? point / size : -1;
    return tile < tiles ? tile : tiles;
}

// Half a grid point of room: centres of pixels lie that far inside of their tile.
SPLATC_INLINE Box make_box(const Place& at, const Outline& out, const Tiles& tiles) {
    int x0 = tile_at(at.x, at.fx - out.extent_x - 0.5f, tiles.width, tiles.across);
    int x1 = tile_at(at.x, at.fx + out.extent_x + 0.5f, tiles.width, tiles.across);
    int y0 = tile_at(at.y, at.fy - out.extent_y - 0.5f, tiles.height, tiles.down);
    int y1 = tile_at(at.y, at.fy + out.extent_y + 0.5f, tiles.height, tiles.down);
    x0 = x0 < 0 ? 0 : x0, y0 = y0 < 0 ? 0 : y0;
    x1 = x1 < tiles.across ? x1 : tiles.across - 1, y1 = y1 < tiles.down ? y1 : tiles.down - 1;
    if (x0 > x1 || y0 > y1) return {0, 0, 1, 0};
    return {x0, y0, x1 - x0 + 1, (x1 - x0 + 1) * (y1 - y0 + 1)};
}
