/* The nearest Gaussians among those coded earlier, exactly (spec/prediction.md, "Neighbours").

   Points sorted by Morton code are the leaves of an implicit binary tree; each node knows the box of its points and the earliest of them. A search
   drops nodes that are too far or hold only later points. A grid of buckets would be quicker on real pictures, but a hostile file could fill a single
   bucket; arrangements that are hard for a tree are in tests/test_core_neighbours.py. */
#include "internal.h"

enum { LEAF_POINTS = 8, DEPTH = 64, LAST = CORE_NEIGHBOURS - 1 };

static int64_t leaf_count(int64_t points) {
    int64_t leaves = 1;
    while (leaves * LEAF_POINTS < points) leaves *= 2;
    return leaves;
}

int64_t search_points(int64_t chain) { return leaf_count(chain) * LEAF_POINTS; }

void take_search_buffers(arena *a, int64_t own, int64_t chain, search_buffers *buffers) {
    buffers->merged = arena_take(a, chain, sizeof(int32_t));
    buffers->other = arena_take(a, chain, sizeof(int32_t));
    buffers->points = arena_take(a, leaf_count(chain) * LEAF_POINTS, sizeof(point));
    buffers->boxes = arena_take(a, 2 * leaf_count(chain), sizeof(box));
    buffers->neighbours = arena_take(a, own * CORE_NEIGHBOURS, sizeof(int32_t));
}

static uint64_t spread_bits(int32_t value) {
    uint64_t wide = (uint32_t)value;
    wide = (wide | wide << 16) & 0x0000FFFF0000FFFF;
    wide = (wide | wide << 8) & 0x00FF00FF00FF00FF;
    wide = (wide | wide << 4) & 0x0F0F0F0F0F0F0F0F;
    wide = (wide | wide << 2) & 0x3333333333333333;
    return (wide | wide << 1) & 0x5555555555555555;
}

uint64_t morton(int32_t x, int32_t y) { return spread_bits(y) << 1 | spread_bits(x); }

/* Fills order (count) with the numbers of Gaussians start ..., by Morton code: a radix sort, eight bits a round, those rounds left out in which all agree. */
void sort_by_code(const core_site *sites, int64_t start, int64_t count, int32_t *order, int32_t *workspace) {
    int32_t *from = order, *to = workspace;
    for (int64_t i = 0; i < count; i++) order[i] = (int32_t)(start + i);
    for (int32_t shift = 0; shift < 64; shift += 8) {
        int64_t places[256] = {0}, sum = 0;
        for (int64_t i = 0; i < count; i++) places[sites[from[i]].code >> shift & 255]++;
        if (count == 0 || places[sites[from[0]].code >> shift & 255] == count) continue;
        for (int32_t digit = 0; digit < 256; digit++) {
            int64_t members = places[digit];
            places[digit] = sum;
            sum += members;
        }
        for (int64_t i = 0; i < count; i++) to[places[sites[from[i]].code >> shift & 255]++] = from[i];
        int32_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != order) memcpy(order, from, (size_t)count * sizeof *order);
}

/* The Gaussians of all runs by Morton code. Returns their number; they are in buffers->merged. */
static int64_t merge_runs(const core_site *sites, const int32_t *order, const run *chain, int32_t runs, search_buffers *b) {
    int64_t count = 0;
    for (int32_t k = 0; k < runs; k++) {
        const int32_t *next = order + chain[k].start, *end = next + chain[k].count;
        int32_t *to = b->other;
        for (int64_t i = 0; i < count; i++) {
            while (next < end && sites[*next].code < sites[b->merged[i]].code) *to++ = *next++;
            *to++ = b->merged[i];
        }
        while (next < end) *to++ = *next++;
        count += chain[k].count;
        int32_t *swapped = b->merged;
        b->merged = b->other;
        b->other = swapped;
    }
    return count;
}

static box joined(box a, box b) {
    return (box){min32(a.low_x, b.low_x), min32(a.low_y, b.low_y), min32(a.earliest, b.earliest), max32(a.high_x, b.high_x),
                 max32(a.high_y, b.high_y)};
}

/* Nodes: 1 is the root, 2k and 2k + 1 lie under k, leaves .. 2 leaves - 1 are the leaves. */
static void make_tree(const core_site *sites, int64_t count, int64_t leaves, search_buffers *b) {
    for (int64_t i = 0; i < leaves * LEAF_POINTS; i++) {
        int32_t index = b->merged[min64(i, count - 1)]; /* the last leaves are filled up with copies that claim to be later than all */
        b->points[i] = (point){sites[index].x, sites[index].y, i < count ? index : INT32_MAX};
    }
    for (int64_t leaf = 0; leaf < leaves; leaf++) {
        const point *p = b->points + leaf * LEAF_POINTS;
        box all = {p->x, p->y, p->index, p->x, p->y};
        for (int32_t i = 1; i < LEAF_POINTS; i++) all = joined(all, (box){p[i].x, p[i].y, p[i].index, p[i].x, p[i].y});
        b->boxes[leaves + leaf] = all;
    }
    for (int64_t k = leaves - 1; k > 0; k--) b->boxes[k] = joined(b->boxes[2 * k], b->boxes[2 * k + 1]);
}

static int64_t squared_distance(int64_t dx, int64_t dy) { return dx * dx + dy * dy; }

static int64_t box_distance(const box *b, point p) {
    return squared_distance(max32(max32(b->low_x - p.x, 0), p.x - b->high_x), max32(max32(b->low_y - p.y, 0), p.y - b->high_y));
}

typedef struct nearest { /* found so far, nearest first */
    uint64_t key[CORE_NEIGHBOURS]; /* distance << shift | index, which needs one comparison where the pair needs two */
    int64_t distance[CORE_NEIGHBOURS]; /* the same of points so far apart that 64 bits do not hold a key; shift is -1 then */
    int32_t index[CORE_NEIGHBOURS];
    int32_t shift;
    int64_t last;       /* distance and index of the last */
    int32_t last_index;
    int64_t bound;      /* nothing farther is worth a look */
} nearest;

static void insert_pair(nearest *found, int64_t distance, int32_t index) {
    int32_t k = LAST;
    if (distance > found->distance[k] || (distance == found->distance[k] && index > found->index[k])) return;
    for (; k > 0; k--) {
        if (distance > found->distance[k - 1] || (distance == found->distance[k - 1] && index > found->index[k - 1])) break;
        found->distance[k] = found->distance[k - 1];
        found->index[k] = found->index[k - 1];
    }
    found->distance[k] = distance;
    found->index[k] = index;
    found->last = found->distance[LAST];
    found->last_index = found->index[LAST];
}

/* Without branches: where a point comes among the nearest is hard to foresee. */
static void insert(nearest *found, int64_t distance, int32_t index) {
    if (found->shift < 0) {
        insert_pair(found, distance, index);
        return;
    }
    uint64_t key = (uint64_t)distance << found->shift | (uint64_t)index;
    for (int32_t k = LAST; k > 0; k--) {
        uint64_t before = found->key[k - 1] > key ? found->key[k - 1] : key;
        found->key[k] = found->key[k] < before ? found->key[k] : before;
    }
    found->key[0] = found->key[0] < key ? found->key[0] : key;
    found->last = (int64_t)(found->key[LAST] >> found->shift);
    found->last_index = (int32_t)(found->key[LAST] & (((uint64_t)1 << found->shift) - 1));
}

static void search_leaf(const point *points, point p, nearest *found) {
    int64_t distance[LEAF_POINTS];
    uint32_t near = 0; /* bit by bit, not branch by branch: which points count is hard to foresee */
    int64_t bound = min64(found->bound, found->last);
    for (int32_t i = 0; i < LEAF_POINTS; i++) {
        distance[i] = squared_distance((int64_t)points[i].x - p.x, (int64_t)points[i].y - p.y);
        near |= (uint32_t)((points[i].index < p.index) & (distance[i] <= bound)) << i;
    }
    for (; near != 0; near &= near - 1) {
        int32_t i = __builtin_ctz(near);
        insert(found, distance[i], points[i].index);
    }
}

/* Whether a box so far away, of which this is the earliest point, can hold a neighbour. */
static int32_t worth_a_look(int64_t distance, int32_t earliest, point p, const nearest *found) {
    return earliest < p.index && distance <= min64(found->bound, found->last) && !(distance == found->last && earliest > found->last_index);
}

/* Looks at everything under a node. */
static void search_under(const search_buffers *b, int64_t leaves, int64_t top, int64_t distance, point p, nearest *found) {
    int64_t stack[DEPTH], distances[DEPTH]; /* nodes to be looked at, and the squared distances to their boxes */
    int32_t depth = 1;
    stack[0] = top, distances[0] = distance;
    while (depth--) {
        int64_t node = stack[depth];
        if (!worth_a_look(distances[depth], b->boxes[node].earliest, p, found)) continue;
        if (node >= leaves) {
            search_leaf(b->points + (node - leaves) * LEAF_POINTS, p, found);
            continue;
        }
        int64_t near = 2 * node, far = near + 1, to_near = box_distance(b->boxes + near, p), to_far = box_distance(b->boxes + far, p);
        /* Of two halves equally near, the one with the earlier point: it fills the places that ties would take. */
        if (to_far < to_near || (to_far == to_near && b->boxes[far].earliest < b->boxes[near].earliest)) {
            int64_t other = near, to_other = to_near;
            near = far, to_near = to_far;
            far = other, to_far = to_other;
        }
        stack[depth] = far, distances[depth++] = to_far;
        stack[depth] = near, distances[depth++] = to_near;
    }
}

/* From the leaf of a point upwards: what is near comes first, and most of the tree is never looked at. */
static void search_tree(const search_buffers *b, int64_t leaves, int64_t leaf, point p, nearest *found) {
    search_leaf(b->points + leaf * LEAF_POINTS, p, found);
    for (int64_t node = leaves + leaf; node > 1; node /= 2) {
        int64_t sibling = node ^ 1;
        search_under(b, leaves, sibling, box_distance(b->boxes + sibling, p), p, found);
    }
}

/* What the point whose search came last has found, as far as it is earlier, bounds what is worth a look from the start. */
static int64_t first_bound(const core_site *sites, const int32_t *candidates, point p) {
    int64_t bound = 0;
    for (int32_t k = 0; k < CORE_NEIGHBOURS; k++) {
        int32_t index = candidates == NULL ? -1 : candidates[k];
        if (index < 0 || index >= p.index) return INT64_MAX;
        bound = max64(bound, squared_distance((int64_t)sites[index].x - p.x, (int64_t)sites[index].y - p.y));
    }
    return bound;
}

/* Bits of an index in a key, or -1 where the points lie too far apart. */
static int32_t key_shift(const box *root, int64_t count) {
    int32_t shift = 64 - __builtin_clzll((uint64_t)count | 1);
    int64_t across = (int64_t)root->high_x - root->low_x, down = (int64_t)root->high_y - root->low_y;
    return across * across + down * down < (int64_t)1 << (62 - shift) ? shift : -1;
}

static void take_nearest(const nearest *found, int32_t *result) {
    for (int32_t k = 0; k < CORE_NEIGHBOURS; k++)
        result[k] = found->shift < 0 ? found->index[k]
                    : found->key[k] == UINT64_MAX ? -1 : (int32_t)(found->key[k] & (((uint64_t)1 << found->shift) - 1));
}

/* What make_search has made of a chain of runs: the Gaussians up to the last of the last run. */
search made_search(const core_site *sites, const run *chain, int32_t runs, const search_buffers *b) {
    search s = {.sites = sites, .buffers = b, .first = chain[runs - 1].start};
    for (int32_t k = 0; k < runs; k++) s.count += chain[k].count;
    s.leaves = leaf_count(s.count);
    s.shift = s.count == 0 ? -1 : key_shift(b->boxes + 1, s.first + chain[runs - 1].count);
    return s;
}

search make_search(const core_site *sites, const int32_t *order, const run *chain, int32_t runs, search_buffers *b) {
    int64_t count = merge_runs(sites, order, chain, runs, b);
    if (count > 0) make_tree(sites, count, leaf_count(count), b);
    return made_search(sites, chain, runs, b);
}

/* The neighbours of what stands at a place in Morton order; `candidates` (CORE_NEIGHBOURS) are those of one near it, or NULL. */
void search_place(const search *s, int64_t place, const int32_t *candidates, int32_t *result) {
    point p = s->buffers->points[place];
    nearest found = {.shift = s->shift, .last = INT64_MAX, .last_index = -1, .bound = first_bound(s->sites, candidates, p)};
    for (int32_t k = 0; k < CORE_NEIGHBOURS; k++) found.key[k] = UINT64_MAX, found.distance[k] = INT64_MAX, found.index[k] = -1;
    search_tree(s->buffers, s->leaves, place / LEAF_POINTS, p, &found);
    take_nearest(&found, result);
}

/* Fills buffers->neighbours for the Gaussians of the last run of a chain. */
int32_t find_neighbours(const core_site *sites, const int32_t *order, const run *chain, int32_t runs, search_buffers *b, const int32_t *stop) {
    const int32_t *candidates = NULL;
    search s = make_search(sites, order, chain, runs, b);
    if (chain[runs - 1].count == 0) return CORE_OK;
    for (int64_t place = 0; place < s.count; place++) { /* Morton order: what one search touched is still in the cache for the next */
        int64_t own = b->points[place].index - s.first;
        if (own < 0) continue;
        if ((place & 255) == 0 && stopped(stop)) return CORE_CANCELLED;
        search_place(&s, place, candidates, b->neighbours + own * CORE_NEIGHBOURS);
        candidates = b->neighbours + own * CORE_NEIGHBOURS;
    }
    return CORE_OK;
}

int32_t core_find_neighbours(const int32_t *x, const int32_t *y, int64_t count, int64_t first, int32_t *neighbours, core_site *sites,
                             uint8_t *workspace, int64_t workspace_bytes) {
    if (count > MAX_GAUSSIANS || first < 0 || first > count || (uintptr_t)workspace % 64 ||
        workspace_bytes < core_decode_workspace(count, count))
        return CORE_INVALID;
    arena a = {workspace, 0};
    search_buffers buffers;
    int32_t *order = arena_take(&a, count, sizeof(int32_t));
    take_search_buffers(&a, count - first, count, &buffers);
    for (int64_t i = 0; i < count; i++) {
        if (x[i] < 0 || y[i] < 0 || x[i] >= 1 << 30 || y[i] >= 1 << 30) return CORE_INVALID;
        sites[i].x = x[i];
        sites[i].y = y[i];
        sites[i].code = morton(x[i], y[i]);
    }
    run chain[2] = {{0, first}, {first, count - first}};
    for (int32_t k = 0; k < 2; k++) sort_by_code(sites, chain[k].start, chain[k].count, order + chain[k].start, buffers.merged);
    int32_t status = find_neighbours(sites, order, chain, 2, &buffers, NULL);
    for (int64_t i = 0; i < first * CORE_NEIGHBOURS; i++) neighbours[i] = -1;
    memcpy(neighbours + first * CORE_NEIGHBOURS, buffers.neighbours, (size_t)((count - first) * CORE_NEIGHBOURS) * sizeof *neighbours);
    return status;
}
