/* Drawing: a view, Gaussians placed on it (of any floats, not numbers among them), rows, depth; then wrong values of each of them. Nothing is read
   or written outside of the buffers, samples are the same at every instruction set and for any number of threads, and rows drawn by themselves
   are those of the whole. */
#include "fuzz_view.h"

enum { WORKERS = 3 };

static core_draw task_of(const core_view *v, const gaussians *g, const lists *l, int32_t depth, int64_t first, int64_t last, int32_t state) {
    core_draw t = {.view = v, .placed = g->placed, .count = g->count, .starts = l->starts, .members = l->members, .member_count = l->entries,
                   .background = {0.5f, 0.25f, 1.0f, 0.0f}, .channels = g->channels, .normalized = g->normalized, .depth = depth,
                   .workers = WORKERS, .first = first, .last = last, .workspace_bytes = core_draw_workspace()};
    t.out_bytes = (last - first) * v->columns * g->channels * (depth / 8);
    t.out = room(t.out_bytes, 1, state);
    t.workspace = workspace_of(WORKERS * t.workspace_bytes, state);
    return t;
}

static void drop_task(core_draw *t) { free(t->out), free(t->workspace); }

static void draw_alone(const core_draw *t, int32_t worker) {
    int64_t tiles = core_draw_tiles(t);
    MUST(tiles >= 0);
    for (int64_t i = 0; i < tiles; i++) MUST(core_draw_tile(t, i, worker) == CORE_OK);
    MUST(core_draw_tile(t, tiles, worker) == CORE_INVALID && core_draw_tile(t, -1, worker) == CORE_INVALID);
    MUST(core_draw_tile(t, 0, WORKERS) == CORE_INVALID && core_draw_tile(t, 0, -1) == CORE_INVALID);
}

static void draw_with_threads(const core_draw *t) {
    core_job job = {.kind = CORE_JOB_DRAW, .workers = WORKERS, .task = t, .items = core_draw_tiles(t)};
    MUST(core_start(&job) == CORE_OK);
    int32_t status;
    while ((status = core_wait(&job, 1000)) == CORE_RUNNING) continue;
    MUST(status == CORE_OK);
}

/* Bits, but that one value that is no number is like another. */
static int32_t same(const core_draw *a, const void *other, int64_t skipped, int64_t bytes) {
    const uint8_t *ours = (const uint8_t *)a->out + skipped;
    if (a->depth != 32) return memcmp(ours, other, (size_t)bytes) == 0;
    for (int64_t i = 0; i < bytes; i += 4) {
        float x, y;
        memcpy(&x, ours + i, sizeof x), memcpy(&y, (const uint8_t *)other + i, sizeof y);
        if (memcmp(&x, &y, sizeof x) != 0 && (x == x || y == y)) {
            fprintf(stderr, "sample %d is %a, and %a elsewhere\n", (int)(i / 4), (double)x, (double)y);
            return 0;
        }
    }
    return 1;
}

/* Whatever is wrong, the buffers are as large as they were: it is refused, or drawn somewhere in them. */
static void draw_lies(input *in, core_draw t, core_view v, const gaussians *g, const lists *l) {
    int32_t which = take8(in), value = take8(in);
    int64_t number = odd_number(value);
    core_view lying = v;
    int64_t *starts = room(l->tiles + 1, sizeof(int64_t), 0);
    int32_t *members = room(l->entries, sizeof(int32_t), 0);
    memcpy(starts, l->starts, (size_t)(l->tiles + 1) * sizeof *starts), memcpy(members, l->members, (size_t)l->entries * sizeof *members);
    t.starts = starts, t.members = members;
    switch (which % 10) {
    case 0: t.channels = (int32_t)number; break;
    case 1: t.depth = value & 1 ? (int32_t)number : 8 << (value >> 1) % 3; break;
    case 2: t.first = number; break;
    case 3: t.last = number; break;
    case 4: t.out_bytes = min64(number, t.out_bytes); break;
    case 5: starts[take8(in) % (l->tiles + 1)] = number; break;
    case 6: if (l->entries) members[(int64_t)take(in, 2) % l->entries] = (int32_t)number; break;
    case 7: t.workspace_bytes = min64(number, t.workspace_bytes); break;
    case 8: if (value & 1) t.workspace += 16; else t.out = (uint8_t *)t.out + 1, t.out_bytes -= min64(t.out_bytes, 1); break;
    default: take_lie_of_view(in, &lying);
    }
    t.view = &lying;
    int64_t tiles = core_draw_tiles(&t);
    /* A view with other tiles has other lists; those that are there are as long as they are. */
    if (tiles < 0 || lying.tiles_x * lying.tiles_y <= l->tiles)
        for (int64_t i = -1; i <= min64(tiles, MOST_TILES); i++) {
            int32_t status = core_draw_tile(&t, i, 0);
            MUST(status == CORE_OK || status == CORE_INVALID);
        }
    (void)g;
    free(starts), free(members);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    core_view v = take_view(&in);
    int32_t depth = 8 << take8(&in) % 3, from = take8(&in), rows = take8(&in);
    int64_t first = from % (v.rows + 1), last = min64(first + rows, v.rows), row_bytes;
    gaussians g = take_gaussians(&in);
    MUST(place(&v, &g) == CORE_OK);
    lists l = sorted(&v, &g);
    if (l.members == NULL) {
        drop(&g);
        return 0;
    }
    int32_t placed_oddly = take8(&in) & 1;
    if (placed_oddly) /* no view has Gaussians in its lists that are not numbers; drawn they are all the same, somehow */
        for (int64_t i = 0; i < g.count; i++) {
            float *fields = &g.placed[i].a;
            fields[take8(&in) % 14] = take_float(&in, 1);
            if (take8(&in) & 1) g.placed[i].x = (double)take_float(&in, 1);
        }
    row_bytes = v.columns * g.channels * (depth / 8);
    core_draw whole = task_of(&v, &g, &l, depth, 0, v.rows, 0xa5), other = task_of(&v, &g, &l, depth, 0, v.rows, 0x5c);
    core_draw part = task_of(&v, &g, &l, depth, first, last, 0x33);
    MUST(core_set_level(core_best_level()) == CORE_OK);
    draw_alone(&whole, 0);
    if (size % 8 == 0) /* threads take longer to wake than tiles to draw */
        draw_with_threads(&other);
    else
        draw_alone(&other, 2);
    MUST(same(&whole, other.out, 0, whole.out_bytes));
    draw_alone(&part, 1);
    MUST(same(&whole, part.out, first * row_bytes, part.out_bytes));
    for (int32_t level = 1; level < core_best_level(); level++) {
        if (core_set_level(level) != CORE_OK) continue;
        draw_alone(&other, 2);
        MUST(placed_oddly || same(&whole, other.out, 0, whole.out_bytes));
    }
    draw_lies(&in, part, v, &g, &l);
    drop_task(&whole), drop_task(&other), drop_task(&part);
    drop_lists(&l), drop(&g);
    return 0;
}
