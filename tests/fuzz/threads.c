/* The pool under ThreadSanitizer: eight threads whose jobs are drawn, cancelled and waited for side by side, with retirements between them.
   Exits with 0, or with what the sanitizer says. `tools/core_sanitize.py --threads` builds and runs it. Forks, which the sanitizer cannot follow, are in
   test_core_pool.py. */
#include "fuzz_view.h"

#include <pthread.h>

enum { CALLERS = 8, ROUNDS = 30, WORKERS = 3 };

static uint8_t noise[2000];
static core_draw reference;
static core_view view;
static gaussians scene;
static lists tiles;

static core_draw drawing(const int32_t *stop) {
    core_draw t = reference;
    t.out = room(t.out_bytes, 1, 0);
    t.workspace = workspace_of(WORKERS * t.workspace_bytes, 0);
    t.stop = stop;
    return t;
}

/* Draws once, in some rounds cancelled at once or after a while. */
static void draw_once(int32_t round) {
    core_job job = {.kind = CORE_JOB_DRAW, .workers = 1 + round % WORKERS, .items = core_draw_tiles(&reference)};
    core_draw task = drawing(&job.stop);
    job.task = &task;
    MUST(core_start(&job) == CORE_OK);
    if (round % 5 == 3) core_cancel(&job);
    int32_t status;
    while ((status = core_wait(&job, round % 7)) == CORE_RUNNING)
        if (round % 5 == 4) core_cancel(&job);
    MUST(status == CORE_OK || (status == CORE_CANCELLED && round % 5 > 2));
    if (status == CORE_OK) MUST(memcmp(task.out, reference.out, (size_t)task.out_bytes) == 0);
    free(task.out), free(task.workspace);
}

static void *caller(void *number) {
    int32_t first = (int32_t)(intptr_t)number;
    for (int32_t round = first; round < first + ROUNDS; round++) {
        draw_once(round);
        if (round % 11 == 0) core_retire();
    }
    return NULL;
}

static void call_from_all(void) {
    pthread_t callers[CALLERS];
    for (int32_t i = 0; i < CALLERS; i++) MUST(pthread_create(callers + i, NULL, caller, (void *)(intptr_t)i) == 0);
    for (int32_t i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
}

int main(void) {
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * i >> 3);
    input in = {noise, noise + sizeof noise};
    view = (core_view){.grid_scale = 1.0, .samples = 1, .columns = 500, .rows = 100, .end_x = 500, .end_y = 100, .tiles_x = 4, .tiles_y = 4};
    do scene = take_gaussians(&in);
    while (scene.count < 20 && in.at < in.end);
    MUST(place(&view, &scene) == CORE_OK);
    tiles = sorted(&view, &scene);
    reference = (core_draw){.view = &view, .placed = scene.placed, .count = scene.count, .starts = tiles.starts, .members = tiles.members,
                            .member_count = tiles.entries, .channels = scene.channels, .normalized = scene.normalized, .depth = 16,
                            .workers = WORKERS, .last = 100, .workspace_bytes = core_draw_workspace()};
    reference.out_bytes = 500 * 100 * scene.channels * 2;
    reference.out = room(reference.out_bytes, 1, 0), reference.workspace = workspace_of(WORKERS * reference.workspace_bytes, 0);
    for (int64_t tile = 0; tile < core_draw_tiles(&reference); tile++) MUST(core_draw_tile(&reference, tile, 0) == CORE_OK);
    call_from_all(); /* whose first calls make the pool, all at the same time */
    core_retire();
    call_from_all();
    core_retire();
    core_retire();
    draw_once(0);
    free(reference.out), free(reference.workspace);
    return 0;
}
