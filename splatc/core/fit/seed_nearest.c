/* Distances to the nearest points, exactly. Points along a space-filling curve are the leaves of an implicit binary tree; each node knows the box of its
   points. Unlike a grid of cells it takes no longer where all points lie in one spot. */
#include "seed.h"

#include "internal.h"

enum { LEAF = 16, DEPTH = 64, MOST = CORE_MOST_NEAREST + 1 };

typedef struct tree_box { /* of the points under a node; without any, low is infinite and high is -infinite */
    float low_x, low_y, high_x, high_y;
} tree_box;

typedef struct tree { /* nodes: 1 is the root, 2k and 2k + 1 lie under k, leaves .. 2 leaves - 1 are the leaves */
    int64_t leaves;
    tree_box *boxes; /* (2 leaves) */
    float *points;   /* (leaves, 2, LEAF) x and y, filled up with infinity */
} tree;

static tree tree_of(const uint8_t *memory, int64_t count) {
    tree t = {1, NULL, NULL};
    while (t.leaves * LEAF < count) t.leaves *= 2;
    t.boxes = (tree_box *)(void *)(uintptr_t)memory;
    t.points = (float *)(void *)(t.boxes + 2 * t.leaves);
    return t;
}

int64_t core_tree_bytes(int64_t count) {
    if (count < 0 || count > INT32_MAX) return 0;
    return tree_of(NULL, count).leaves * (int64_t)(2 * sizeof(tree_box) + LEAF * 2 * sizeof(float));
}

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

static tree_box joined(tree_box a, tree_box b) {
    return (tree_box){least(a.low_x, b.low_x), least(a.low_y, b.low_y), most(a.high_x, b.high_x), most(a.high_y, b.high_y)};
}

int32_t core_make_tree(const float *points, const int32_t *order, int64_t count, uint8_t *memory, int64_t memory_bytes) {
    const float none = __builtin_inff();
    if (count < 0 || count > INT32_MAX || (count > 0 && (points == NULL || order == NULL))) return CORE_INVALID;
    if (memory == NULL || (uintptr_t)memory % 64 || memory_bytes < core_tree_bytes(count)) return CORE_INVALID;
    tree t = tree_of(memory, count);
    for (int64_t leaf = 0; leaf < t.leaves; leaf++) {
        tree_box all = {none, none, -none, -none};
        for (int64_t i = leaf * LEAF; i < (leaf + 1) * LEAF; i++) {
            float *point = t.points + leaf * 2 * LEAF + i % LEAF;
            point[0] = point[LEAF] = none;
            if (i >= count) continue;
            if (order[i] < 0 || order[i] >= count) return CORE_INVALID;
            float x = points[2 * (int64_t)order[i]], y = points[2 * (int64_t)order[i] + 1];
            point[0] = x, point[LEAF] = y;
            all = joined(all, (tree_box){x, y, x, y});
        }
        t.boxes[t.leaves + leaf] = all;
    }
    for (int64_t k = t.leaves - 1; k > 0; k--) t.boxes[k] = joined(t.boxes[2 * k], t.boxes[2 * k + 1]);
    return CORE_OK;
}

/* Distances are of single precision, rounded alike for points and boxes: no point is nearer than its box. */
typedef struct nearest_found { /* squared distances found so far, ascending */
    float x, y;
    float found[MOST];
    int32_t last; /* the farthest that is wanted */
} nearest_found;

static float box_distance(const tree_box *b, const nearest_found *s) {
    float dx = most(most(b->low_x - s->x, s->x - b->high_x), 0.0f), dy = most(most(b->low_y - s->y, s->y - b->high_y), 0.0f);
    return dx * dx + dy * dy;
}

static void search_leaf(const float *points, nearest_found *s) {
    float distance[LEAF];
    for (int32_t i = 0; i < LEAF; i++) {
        float dx = points[i] - s->x, dy = points[LEAF + i] - s->y;
        distance[i] = dx * dx + dy * dy;
    }
    for (int32_t i = 0; i < LEAF; i++) {
        if (!(distance[i] < s->found[s->last])) continue;
        int32_t k = s->last;
        for (; k > 0 && distance[i] < s->found[k - 1]; k--) s->found[k] = s->found[k - 1];
        s->found[k] = distance[i];
    }
}

static void search_tree(const tree *t, nearest_found *s) {
    int64_t stack[DEPTH];
    float distances[DEPTH]; /* squared distances to the boxes of these nodes */
    int32_t depth = 1;
    stack[0] = 1, distances[0] = 0.0f;
    while (depth--) {
        int64_t node = stack[depth];
        if (!(distances[depth] < s->found[s->last])) continue; /* what is as near adds nothing: only distances count */
        if (node >= t->leaves) {
            search_leaf(t->points + (node - t->leaves) * LEAF * 2, s);
            continue;
        }
        float to_first = box_distance(t->boxes + 2 * node, s), to_second = box_distance(t->boxes + 2 * node + 1, s);
        int32_t second = to_second < to_first; /* is nearer, and looked at next */
        stack[depth] = 2 * node + !second, distances[depth++] = second ? to_first : to_second;
        stack[depth] = 2 * node + second, distances[depth++] = second ? to_second : to_first;
    }
}

int32_t find_nearest(const core_nearest *t, int64_t chunk) {
    if (t->tree == NULL || (uintptr_t)t->tree % 64 || t->points == NULL || t->distance == NULL || t->neighbours < 1 ||
        t->neighbours > CORE_MOST_NEAREST || t->tree_points <= t->neighbours || t->tree_points > INT32_MAX || chunk < 0 ||
        chunk * CORE_SEED_POINTS >= t->count)
        return CORE_INVALID;
    const tree all = tree_of(t->tree, t->tree_points);
    int64_t last = min64((chunk + 1) * CORE_SEED_POINTS, t->count);
    for (int64_t i = chunk * CORE_SEED_POINTS; i < last; i++) {
        nearest_found s = {.x = t->points[2 * i], .y = t->points[2 * i + 1], .last = t->neighbours};
        for (int32_t k = 0; k < MOST; k++) s.found[k] = __builtin_inff();
        search_tree(&all, &s);
        double sum = 0.0;
        for (int32_t k = 1; k <= t->neighbours; k++) sum += (double)s.found[k];
        t->distance[i] = (float)__builtin_sqrt(sum / (double)t->neighbours);
    }
    return CORE_OK;
}
