/* Neighbours of all Gaussians of a section at a time, for the encoder, which knows them all: the same ones that neighbours.c finds, for a leaf of its tree
   at once. A node of the tree is looked at for eight Gaussians in one go, and their nearest stay in registers. */
#include "internal.h"
#include "lanes.h"
#include "pack_search.h"

#define PREDICT_PLACES AT_LEVEL(predict_places)

enum { GROUP = 8, W = LANES < GROUP ? LANES : GROUP, K = LANES / 2, PARTS = CORE_NEIGHBOURS / K, DEPTH = 64 };

/* Differences are cut off here, so that squared distances have 31 bits; a Gaussian whose neighbours lie that far away (2047 px) is searched again by itself. */
enum { FAR = 32767 };

typedef int32_t lane __attribute__((vector_size(4 * W), may_alias, aligned(4 * W)));
typedef int64_t keys __attribute__((vector_size(8 * K), may_alias, aligned(8 * K)));

typedef struct group {
    int32_t x[GROUP], y[GROUP], index[GROUP]; /* index -1: not searched for */
    int32_t last[GROUP];                      /* squared distance to the sixteenth, or INT32_MAX */
    int64_t key[GROUP][CORE_NEIGHBOURS];      /* squared distance << shift | index, ascending */
} __attribute__((aligned(64))) group;

static inline lane least(lane a, lane b) {
    lane less = a < b;
    return (a & less) | (b & ~less);
}
static inline lane most(lane a, lane b) {
    lane more = a > b;
    return (a & more) | (b & ~more);
}
static inline keys lesser(keys a, keys b) {
    keys less = a < b;
    return (a & less) | (b & ~less);
}
static inline keys greater(keys a, keys b) {
    keys more = a > b;
    return (a & more) | (b & ~more);
}

/* Bit by bit the lanes of a mask. */
static inline uint32_t bits_of(lane mask) {
#if defined(__AVX2__)
    typedef float floats __attribute__((vector_size(32)));
    return (uint32_t)__builtin_ia32_movmskps256((floats)mask);
#elif defined(__SSE2__)
    typedef float floats __attribute__((vector_size(16)));
    return (uint32_t)__builtin_ia32_movmskps((floats)mask);
#else
    uint32_t bits = 0;
    for (int32_t i = 0; i < W; i++) bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
#endif
}

/* The keys one place further, the last of those before in front. */
static inline keys pushed(keys before, keys here) {
#if defined(__AVX512F__)
#define ONE_ON 7, 8, 9, 10, 11, 12, 13, 14
#elif defined(__AVX2__)
#define ONE_ON 3, 4, 5, 6
#else
#define ONE_ON 1, 2
#endif
#if defined(__clang__)
    return __builtin_shufflevector(before, here, ONE_ON);
#else
    return __builtin_shuffle(before, here, (keys){ONE_ON});
#endif
}

/* Which of the group have to look into a box. */
static inline uint32_t wanted_by(const group *g, const box *b) {
    uint32_t wanted = 0;
    const lane zero = {0}, far = zero + FAR;
    for (int32_t h = 0; h < GROUP; h += W) {
        lane x = *(const lane *)(g->x + h), y = *(const lane *)(g->y + h);
        lane dx = least(most(most(b->low_x - x, x - b->high_x), zero), far), dy = least(most(most(b->low_y - y, y - b->high_y), zero), far);
        lane near = (dx * dx + dy * dy <= *(const lane *)(g->last + h)) & (b->earliest < *(const lane *)(g->index + h));
        wanted |= bits_of(near) << h;
    }
    return wanted;
}

/* Looks at the points of a leaf for one of the group. */
static inline void search_leaf(group *g, int32_t k, const int32_t *leaf, int32_t shift) {
    int32_t distance[GROUP] __attribute__((aligned(64)));
    uint32_t near = 0;
    const lane zero = {0}, far = zero + FAR;
    for (int32_t h = 0; h < GROUP; h += W) {
        lane dx = most(least(*(const lane *)(leaf + h) - g->x[k], far), -far), dy = most(least(*(const lane *)(leaf + GROUP + h) - g->y[k], far), -far);
        lane square = dx * dx + dy * dy;
        *(lane *)(distance + h) = square;
        near |= bits_of((square <= g->last[k]) & (*(const lane *)(leaf + 2 * GROUP + h) < g->index[k])) << h;
    }
    if (near == 0) return;
    keys found[PARTS], *kept = (keys *)g->key[k];
    for (int32_t p = 0; p < PARTS; p++) found[p] = kept[p];
    for (; near != 0; near &= near - 1) {
        int32_t i = __builtin_ctz(near);
        keys key = (keys){0} + ((int64_t)distance[i] << shift | leaf[2 * GROUP + i]), before = (keys){0} - 1;
        for (int32_t p = 0; p < PARTS; p++) {
            keys here = found[p];
            found[p] = lesser(here, greater(pushed(before, here), key));
            before = here;
        }
    }
    for (int32_t p = 0; p < PARTS; p++) kept[p] = found[p];
    g->last[k] = (int32_t)min64(g->key[k][CORE_NEIGHBOURS - 1] >> shift, INT32_MAX);
}

/* The box of a node as seen from the first of a group: which half comes first. */
static inline int64_t distance_to(const box *b, int64_t x, int64_t y) {
    int64_t dx = max64(max64(b->low_x - x, x - b->high_x), 0), dy = max64(max64(b->low_y - y, y - b->high_y), 0);
    return dx * dx + dy * dy;
}

static void search_under(const search *s, const int32_t *leaves, int64_t top, int64_t x, int64_t y, group *g, int32_t shift) {
    int64_t stack[DEPTH];
    const box *boxes = s->buffers->boxes;
    int32_t depth = 1;
    stack[0] = top;
    while (depth--) {
        int64_t node = stack[depth];
        uint32_t wanted = wanted_by(g, boxes + node);
        if (wanted == 0) continue;
        if (node >= s->leaves) {
            const int32_t *leaf = leaves + (node - s->leaves) * 3 * GROUP;
            for (; wanted != 0; wanted &= wanted - 1) search_leaf(g, __builtin_ctz(wanted), leaf, shift);
            continue;
        }
        int32_t first = distance_to(boxes + 2 * node, x, y) > distance_to(boxes + 2 * node + 1, x, y);
        stack[depth++] = 2 * node + !first;
        stack[depth++] = 2 * node + first;
    }
}

void PREDICT_PLACES(const places *t, int64_t first, int64_t last) {
    const search *s = &t->search;
    group g;
    int32_t shift = 64 - __builtin_clzll((uint64_t)(s->first + s->count) | 1), result[CORE_NEIGHBOURS];
    for (int64_t start = first, end; start < last; start = end) {
        int64_t leaf = start / GROUP;
        const int32_t *points = t->leaves + leaf * 3 * GROUP;
        end = min64((leaf + 1) * GROUP, last);
        int32_t own = 0, k0 = 0;
        for (int32_t k = 0; k < GROUP; k++) {
            int32_t index = leaf * GROUP + k >= start && leaf * GROUP + k < end ? points[2 * GROUP + k] : -1;
            g.x[k] = points[k], g.y[k] = points[GROUP + k];
            g.index[k] = index < s->first ? -1 : index;
            g.last[k] = INT32_MAX;
            if (g.index[k] >= 0) own++, k0 = k;
            for (int32_t n = 0; n < CORE_NEIGHBOURS; n++) g.key[k][n] = INT64_MAX;
        }
        if (own == 0) continue;
        search_under(s, t->leaves, s->leaves + leaf, g.x[k0], g.y[k0], &g, shift);
        for (int64_t node = s->leaves + leaf; node > 1; node /= 2) search_under(s, t->leaves, node ^ 1, g.x[k0], g.y[k0], &g, shift);
        for (int32_t k = 0; k < GROUP; k++) {
            if (g.index[k] < 0) continue;
            if (g.last[k] >= FAR * FAR)
                search_place(s, leaf * GROUP + k, NULL, result);
            else
                for (int32_t n = 0; n < CORE_NEIGHBOURS; n++) result[n] = (int32_t)(g.key[k][n] & (((int64_t)1 << shift) - 1));
            make_residual(t->steps, s->sites, result, g.index[k], t->arrays);
        }
    }
}
