/* Which Gaussians belong to which section, and their order in the file (spec/sections.md, "Order"). */
#include "internal.h"
#include "pack.h"

typedef struct keyed {
    uint64_t key;
    int32_t index, unused;
} keyed;

typedef struct buffers {
    keyed *keys, *other; /* (count) */
    uint64_t *groups;    /* (count) layer, tile, level of each Gaussian */
} buffers;

static int64_t take_buffers(uint8_t *base, int64_t count, buffers *b) {
    arena a = {base, 0};
    b->keys = arena_take(&a, max64(count, 1), sizeof(keyed));
    b->other = arena_take(&a, count, sizeof(keyed));
    b->groups = arena_take(&a, count, sizeof(uint64_t));
    return a.used;
}

int64_t core_arrange_workspace(int64_t count) {
    buffers b;
    return count < 0 || count > MAX_GAUSSIANS ? -1 : take_buffers(NULL, count, &b);
}

/* By key, those with equal ones as they were: a radix sort, eight bits a round, those rounds left out in which all agree. */
static void sort_keys(buffers *b, int64_t count) {
    uint64_t all = UINT64_MAX, any = 0;
    for (int64_t i = 0; i < count; i++) all &= b->keys[i].key, any |= b->keys[i].key;
    for (int32_t shift = 0; shift < 64; shift += 8) {
        int64_t places[256] = {0}, sum = 0;
        if (((all ^ any) >> shift & 255) == 0) continue;
        for (int64_t i = 0; i < count; i++) places[b->keys[i].key >> shift & 255]++;
        for (int32_t digit = 0; digit < 256; digit++) {
            int64_t members = places[digit];
            places[digit] = sum;
            sum += members;
        }
        for (int64_t i = 0; i < count; i++) b->other[places[b->keys[i].key >> shift & 255]++] = b->keys[i];
        keyed *swapped = b->keys;
        b->keys = b->other;
        b->other = swapped;
    }
}

static int64_t cells_of(int64_t extent, int64_t step) { return ((extent << 32) + step - 1) / step; }

/* The pixel that holds the centre of a cell; that of the last cell may lie outside of the picture. */
static int32_t pixel_of(int64_t extent, int64_t step, int32_t cell) { return (int32_t)min64((2 * (int64_t)cell + 1) * step >> 33, extent - 1); }

/* The first cell whose centre does not lie before a tile. */
static int64_t first_cell(int64_t extent, int32_t tile_log2, int64_t step, int64_t number) {
    return min64(((number << (tile_log2 + 33)) + step - 1) / (2 * step), cells_of(extent, step));
}

static int32_t is_sound(const core_arranging *t) {
    buffers b;
    if (t == NULL || !steps_are_sound(t->steps) || t->count < 0 || t->count > MAX_GAUSSIANS || (uintptr_t)t->workspace % 64) return 0;
    if (t->width < 1 || t->height < 1 || t->width > 1 << 20 || t->height > 1 << 20) return 0;
    if (t->level_count < 0 || t->level_count > CORE_MAX_LEVELS || t->workspace_bytes < take_buffers(NULL, t->count, &b)) return 0;
    for (int64_t i = 0; i < t->count; i++) {
        if (t->level[i] < 0 || t->level[i] >= t->level_count || t->x[i] < 0 || t->y[i] < 0) return 0;
        int64_t step = t->steps->position[t->level[i]];
        if (t->x[i] >= cells_of(t->width, step) || t->y[i] >= cells_of(t->height, step)) return 0;
    }
    return 1;
}

static int32_t layers_are_sound(const core_arranging *t) {
    int64_t levels = 0;
    if (t->layer_count < 0 || t->part_room < 0) return 0;
    for (int64_t k = 0; k < t->layer_count; k++) {
        const core_layer *l = t->layers + k;
        if (l->levels < 1 || l->levels > t->level_count - levels || l->tile_log2 < 0 || l->tile_log2 >= CORE_TILE_SIDES) return 0;
        levels += l->levels;
    }
    return levels >= t->level_count; /* no level is left over */
}

int32_t core_occupied_tiles(const core_arranging *t, int32_t top, int32_t levels, int64_t *tiles) {
    buffers b;
    int64_t found = 0;
    if (!is_sound(t)) return CORE_INVALID;
    take_buffers(t->workspace, t->count, &b);
    for (int64_t i = 0; i < t->count; i++) {
        int64_t step = t->steps->position[t->level[i]];
        if (t->level[i] > top || t->level[i] <= top - levels) continue;
        b.keys[found++].key = morton(pixel_of(t->width, step, t->x[i]), pixel_of(t->height, step, t->y[i]));
    }
    sort_keys(&b, found);
    int64_t borders[CORE_TILE_SIDES] = {0}; /* neighbours in this order that lie in different tiles up to a side */
    for (int64_t i = 1; i < found; i++) {
        uint64_t difference = b.keys[i].key ^ b.keys[i - 1].key;
        if (difference) borders[min32((63 - __builtin_clzll(difference)) / 2, CORE_TILE_SIDES - 1)]++;
    }
    int64_t different = found > 0;
    for (int32_t tile_log2 = CORE_TILE_SIDES - 1; tile_log2 >= 0; tile_log2--) tiles[tile_log2] = different += borders[tile_log2];
    return CORE_OK;
}

/* Where a Gaussian belongs: bits 46.. the layer, 4..45 its tile there, 0..3 the level, coarse to fine. */
static uint64_t group_of(const core_arranging *t, int64_t i, const int32_t *layer_of) {
    int32_t level = t->level[i], layer = layer_of[level], tile_log2 = t->layers[layer].tile_log2;
    int64_t step = t->steps->position[level];
    uint64_t code = morton(pixel_of(t->width, step, t->x[i]) >> tile_log2, pixel_of(t->height, step, t->y[i]) >> tile_log2);
    return (uint64_t)layer << 46 | code << 4 | (uint64_t)(CORE_MAX_LEVELS - 1 - level);
}

/* Morton code of its cell, relative to the first one in its tile. */
static uint64_t code_within(const core_arranging *t, int64_t i, int32_t tile_log2) {
    int64_t step = t->steps->position[t->level[i]];
    int64_t left = first_cell(t->width, tile_log2, step, pixel_of(t->width, step, t->x[i]) >> tile_log2);
    int64_t above = first_cell(t->height, tile_log2, step, pixel_of(t->height, step, t->y[i]) >> tile_log2);
    return morton((int32_t)(t->x[i] - left), (int32_t)(t->y[i] - above));
}

static int32_t gather_bits(uint64_t code) {
    int32_t value = 0;
    for (int32_t bit = 0; bit < 32; bit++) value |= (int32_t)(code >> 2 * bit & 1) << bit;
    return value;
}

/* Sections from Gaussians in coding order. */
static int32_t make_parts(core_arranging *t, const buffers *b, const int32_t *tops) {
    uint64_t last = UINT64_MAX;
    t->part_count = 0;
    for (int64_t i = 0; i < t->count; i++) {
        uint64_t group = b->groups[t->order[i]], section = group >> 4;
        if (section != last) {
            last = section;
            if (++t->part_count > t->part_room) continue;
            uint64_t code = section & (((uint64_t)1 << 42) - 1);
            t->parts[t->part_count - 1] = (core_part){(int32_t)(section >> 42), gather_bits(code), gather_bits(code >> 1), 0, {0}};
        }
        if (t->part_count > t->part_room) continue;
        core_part *part = t->parts + t->part_count - 1;
        part->counts[tops[part->layer] - (CORE_MAX_LEVELS - 1 - (int32_t)(group & 15))]++;
    }
    return t->part_count > t->part_room ? CORE_TOO_SMALL : CORE_OK;
}

int32_t core_arrange(core_arranging *t) {
    buffers b;
    int32_t layer_of[CORE_MAX_LEVELS] = {0}, tops[CORE_MAX_LEVELS] = {0};
    if (!is_sound(t) || !layers_are_sound(t)) return CORE_INVALID;
    take_buffers(t->workspace, t->count, &b);
    for (int32_t k = 0, level = (int32_t)t->level_count - 1; k < t->layer_count; k++) {
        tops[k] = level;
        for (int32_t last = level - t->layers[k].levels; level > last; level--) layer_of[level] = k;
    }
    for (int64_t i = 0; i < t->count; i++) {
        b.groups[i] = group_of(t, i, layer_of);
        b.keys[i] = (keyed){code_within(t, i, t->layers[layer_of[t->level[i]]].tile_log2), (int32_t)i, 0};
    }
    sort_keys(&b, t->count);
    for (int64_t i = 0; i < t->count; i++) b.keys[i].key = b.groups[b.keys[i].index];
    sort_keys(&b, t->count);
    for (int64_t i = 0; i < t->count; i++) t->order[i] = b.keys[i].index;
    return make_parts(t, &b, tops);
}
