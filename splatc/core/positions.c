/* Positions as a set: a tree of halved squares says how many points lie in each half (spec/positions.md). */
#include "range.h"

enum { MANTISSA_BITS = 8, MANTISSAS = 1 << MANTISSA_BITS, KEYS = MANTISSAS * CORE_FRACTIONS };

void take_position_buffers(arena *a, int64_t points, position_buffers *buffers) {
    buffers->nodes = arena_take(a, points, sizeof(node));
    buffers->halves = arena_take(a, points, sizeof(node));
    buffers->keys = arena_take(a, points, sizeof(uint16_t));
    buffers->first = arena_take(a, points, sizeof(int32_t));
    buffers->rest = arena_take(a, points, sizeof(int32_t));
    buffers->order = arena_take(a, points, sizeof(int32_t));
}

static int32_t bits_of(int32_t n) { return n == 0 ? 0 : 32 - __builtin_clz((unsigned)n); }

/* Bits of a node's count below the leading ones that are modelled. */
static int32_t dropped_bits(int32_t points) { return max32(bits_of(points) - MANTISSA_BITS, 0); }

typedef struct step { /* one halving of all nodes */
    int32_t remaining, half, across;
} step;

/* What the binary partition count of a node is coded with: leading bits of its points * CORE_FRACTIONS + fraction, or 0 if its second half lies outside of the grid. */
static int32_t key_of(node n, const core_level *level, step s) {
    int32_t extent = s.across ? level->columns - n.x : level->rows - n.y;
    int32_t second = min32(max32(extent - s.half, 0), s.half);
    if (second == 0) return 0;
    int32_t fraction = (int32_t)((int64_t)16 * s.half / (s.half + second)) - CORE_FRACTIONS;
    return (n.points >> dropped_bits(n.points)) * CORE_FRACTIONS + fraction;
}

/* The nodes by ascending key, those with key 0 left out; of equal ones as they were. Returns their number; starts (KEYS + 1). */
static int32_t sort_by_key(const uint16_t *keys, int32_t count, int32_t *starts, int32_t *order, int32_t *low, int32_t *high) {
    int32_t least = KEYS, most = 0, sum = 0;
    for (int32_t i = 0; i < count; i++) {
        if (keys[i] == 0) continue;
        least = min32(least, keys[i]);
        most = max32(most, keys[i]);
    }
    *low = least, *high = most;
    for (int32_t key = least; key <= most; key++) starts[key] = 0;
    for (int32_t i = 0; i < count; i++)
        if (keys[i]) starts[keys[i]]++;
    for (int32_t key = least; key <= most; key++) {
        int32_t members = starts[key];
        starts[key] = sum;
        sum += members;
    }
    for (int32_t i = 0; i < count; i++)
        if (keys[i]) order[starts[keys[i]]++] = i; /* starts[key] becomes the end of its members */
    return sum;
}

/* The fixed table of a node with many points, from the cache; one that another thread is making is made once more. */
static const int32_t *fixed_table(core_partitions *partitions, int32_t points, int32_t fraction, int32_t *own) {
    int32_t *state = &partitions->made[points][fraction], *shared = partitions->cumulative[points][fraction], none = 0;
    if (__atomic_load_n(state, __ATOMIC_ACQUIRE) == 2) return shared;
    make_partition_table(points, fraction, own);
    if (__atomic_compare_exchange_n(state, &none, 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        memcpy(shared, own, sizeof partitions->cumulative[0][0]);
        __atomic_store_n(state, 2, __ATOMIC_RELEASE);
    }
    return own;
}

/* The leading bits of the points in first halves, by groups of equal keys. */
static int32_t code_leading(coder *r, core_tables *tables, core_partitions *partitions, position_buffers *b, int32_t count) {
    int32_t starts[KEYS], low, high, own[MANTISSAS + 1] = {0}, start = 0;
    sort_by_key(b->keys, count, starts, b->order, &low, &high);
    for (int32_t key = low; key <= high; start = starts[key++]) {
        int32_t points = key / CORE_FRACTIONS, fraction = key % CORE_FRACTIONS, members = starts[key] - start;
        if (members == 0) continue;
        symbols group = {b->first, b->order + start, members, 1};
        if (points >= 2 && points <= CORE_ADAPTIVE_POINTS) {
            int32_t status = code_adaptive(r, tables->partitions[points][fraction], &tables->partitions_seen[points][fraction], points + 1, 0, group);
            if (status != CORE_OK) return status;
            continue;
        }
        const int32_t *cumulative = fixed_table(partitions, points, fraction, own);
        for (int32_t i = start; i < starts[key]; i++) {
            int32_t status = code_symbol(r, cumulative, points + 1, b->first + b->order[i]);
            if (status != CORE_OK) return status;
        }
    }
    return CORE_OK;
}

/* The bits below, of all nodes with equally many of them at a time. */
static int32_t code_rest(coder *r, position_buffers *b, int32_t count, int32_t most) {
    for (int32_t bits = 1; bits <= most; bits++) {
        int32_t members = 0;
        for (int32_t i = 0; i < count; i++) {
            if (b->keys[i] == 0 || dropped_bits(b->nodes[i].points) != bits) continue;
            b->order[members++] = i;
        }
        int32_t status = code_uniform(r, bits, (symbols){b->rest, b->order, members, 1});
        if (status != CORE_OK) return status;
        for (int32_t i = 0; i < members; i++) b->first[b->order[i]] = b->first[b->order[i]] << bits | b->rest[b->order[i]];
    }
    return CORE_OK;
}

/* What the encoder knows: the points in the first half of each node, of which `along` (level->count) are the columns or rows from `origin` on. Nodes and
   points both are in Morton order. */
static void count_first_halves(position_buffers *b, int32_t count, const int32_t *along, int32_t origin, int32_t half) {
    for (int32_t i = 0; i < count; i++) {
        int32_t points = b->nodes[i].points, dropped = b->keys[i] ? dropped_bits(points) : 0, second = 0;
        for (int32_t k = 0; k < points; k++) second += ((*along++ - origin) & half) != 0;
        b->first[i] = (points - second) >> dropped;
        b->rest[i] = (points - second) & ((1 << dropped) - 1);
    }
}

/* Replaces each node by its halves that hold points; returns their number, or -1 if one holds more than the node. */
static int32_t halve_nodes(position_buffers *b, int32_t count, step s) {
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        node n = b->nodes[i];
        int32_t first = b->first[i];
        if (first > n.points) return -1;
        if (first > 0) b->halves[kept++] = (node){n.x, n.y, first};
        if (first < n.points) b->halves[kept++] = (node){s.across ? n.x + s.half : n.x, s.across ? n.y : n.y + s.half, n.points - first};
    }
    node *nodes = b->nodes;
    b->nodes = b->halves;
    b->halves = nodes;
    return kept;
}

/* Fills in the cells x, y (level->count), in the order of their Morton codes, and nothing of a level that is refused; or writes them. */
int32_t code_positions(coder *r, core_tables *tables, core_partitions *partitions, const core_level *level, position_buffers *b, int32_t *x,
                         int32_t *y) {
    int32_t count = 1;
    b->nodes[0] = (node){0, 0, (int32_t)level->count};
    for (int32_t remaining = 2 * bits_of(max32(level->columns, level->rows) - 1); remaining > 0; remaining--) {
        step s = {remaining, 1 << (remaining - 1) / 2, remaining % 2};
        int32_t most = 0;
        for (int32_t i = 0; i < count; i++) {
            b->keys[i] = (uint16_t)key_of(b->nodes[i], level, s);
            b->first[i] = b->nodes[i].points;
            b->rest[i] = 0;
            if (b->keys[i]) most = max32(most, dropped_bits(b->nodes[i].points));
        }
        if (r->writer != NULL) count_first_halves(b, count, s.across ? x : y, s.across ? level->x : level->y, s.half);
        int32_t status = code_leading(r, tables, partitions, b, count);
        if (status == CORE_OK) status = code_rest(r, b, count, most);
        if (status != CORE_OK) return status;
        count = halve_nodes(b, count, s);
        if (count < 0) return CORE_TOO_MANY_POINTS;
    }
    for (int32_t i = 0, at = 0; i < count && r->writer == NULL; i++)
        for (int32_t end = at + b->nodes[i].points; at < end; at++) {
            x[at] = level->x + b->nodes[i].x;
            y[at] = level->y + b->nodes[i].y;
        }
    return CORE_OK;
}
