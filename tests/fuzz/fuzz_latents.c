/* Any stream -> latents, any latents -> Gaussians and grids -> a tile of samples. Whatever comes in, nothing is read or written outside of the buffers,
   nothing depends on what memory held before, and grids have the colours of the Gaussians and are drawn as they are. The network is that of the format:
   NETWORK is the path of its file. */
#include "fuzz.h"

static core_latent_network network;

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    FILE *file = fopen(NETWORK, "rb");
    MUST(file != NULL && fread(&network, sizeof network, 1, file) == 1);
    return fclose(file);
}

typedef struct cells { /* what is decoded */
    int32_t q, latents, columns, rows;
} cells;

static int32_t decode(const cells *c, const uint8_t *stream, int64_t length, int32_t state, int16_t *result) {
    int64_t bytes = core_latent_workspace(c->columns, c->rows);
    uint8_t *workspace = workspace_of(rounded_up(bytes), state);
    core_latent_tile task = {&network, stream, length, c->q, c->latents, c->columns, c->rows, result, workspace, bytes, NULL};
    int32_t status = core_decode_latents(&task);
    free(workspace);
    return status;
}

/* The latents of cells and of those around them: of the stream, or what is odd. */
static int16_t *take_values(input *in, const cells *c, const int16_t *found) {
    int32_t across = c->columns + 2, down = c->rows + 2, odd = take8(in);
    int16_t *values = room((int64_t)c->latents * across * down, sizeof *values, 0);
    for (int32_t k = 0; k < c->latents; k++)
        for (int32_t y = 0; y < c->rows; y++)
            memcpy(values + ((int64_t)k * down + y + 1) * across + 1, found + ((int64_t)k * c->rows + y) * c->columns, (size_t)c->columns * sizeof *values);
    for (int32_t i = 0; i < odd; i++) values[(uint32_t)take(in, 2) % (uint32_t)(c->latents * across * down)] = (int16_t)take16(in);
    return values;
}

static int64_t synthesize(core_synthesis *task, int32_t state, int32_t *columns) {
    int64_t bytes = core_synthesis_workspace(task->columns, task->rows), count = task->room;
    int32_t channels = task->latents == CORE_LATENTS ? 3 : 1;
    task->workspace = workspace_of(rounded_up(bytes), state), task->workspace_bytes = bytes;
    task->gaussians = (core_columns){columns, columns + count, columns + 2 * count, columns + 3 * count, columns + 4 * count, columns + 5 * count,
                                     columns + 6 * count, columns + 7 * count};
    int32_t status = core_synthesize(task);
    MUST(status == CORE_OK || (status == CORE_TOO_SMALL && task->count > count));
    for (int64_t i = 0; i < count && status == CORE_OK; i++) {
        int32_t side = task->gaussians.level[i] == 2 ? 4 : 2;
        MUST(task->gaussians.level[i] == 1 || task->gaussians.level[i] == 2);
        MUST(task->gaussians.x[i] >= 0 && task->gaussians.y[i] >= 0);
        MUST((int64_t)task->gaussians.x[i] * side < task->width && (int64_t)task->gaussians.y[i] * side < task->height);
        for (int32_t k = 0; k < channels; k++) MUST(task->gaussians.colour[i * channels + k] >= -4096 && task->gaussians.colour[i * channels + k] <= 4096);
    }
    free(task->workspace);
    return task->count;
}

/* Which cells are busy; of some what is not so. Returns how many colours there is room for. */
static int64_t take_numbers(input *in, const core_synthesis *task, int32_t *numbers) {
    int64_t across = task->columns + 2, plane = across * (task->rows + 2), busy = 0;
    for (int64_t i = 0; i < (int64_t)task->columns * task->rows; i++) {
        int64_t cell = (i / task->columns + 1) * across + i % task->columns + 1, any = 0;
        for (int32_t k = CORE_LATENT_LOW; k < CORE_LATENT_LUMA; k++) any |= task->values[k * plane + cell];
        numbers[i] = any ? (int32_t)busy++ : CORE_NOT_BUSY;
    }
    for (int32_t lies = take8(in) & 3; lies > 0; lies--) numbers[take8(in) % (task->columns * task->rows)] = (int32_t)odd_number(take8(in));
    return busy;
}

static void draw(input *in, const core_grids *grids, int32_t channels, int32_t state, float *out) {
    core_view view = {.grid_scale = 1.0, .samples = 1 << take8(in) % 3, .columns = 1 + take8(in) % 128, .rows = 1 + take8(in) % 32};
    int64_t wide = CORE_TILE_WIDTH / view.samples, high = CORE_TILE_HEIGHT / view.samples;
    view.tile_x = take8(in) & 3, view.tile_y = take8(in) & 7;
    view.left = view.tile_x * wide, view.top = view.tile_y * high;
    view.columns = min64(view.columns, wide), view.rows = min64(view.rows, high);
    view.tiles_x = view.tiles_y = 1;
    view.end_x = (view.left + view.columns) * view.samples, view.end_y = (view.top + view.rows) * view.samples;
    int64_t bytes = rounded_up(core_draw_workspace());
    uint8_t *workspace = workspace_of(bytes, state);
    core_draw task = {.view = &view, .channels = channels, .normalized = 1, .depth = 32, .workers = 1, .last = view.rows, .out = out, .grids = grids,
                      .out_bytes = view.columns * view.rows * channels * 4, .workspace = workspace, .workspace_bytes = bytes};
    if (core_draw_tiles(&task) == 1) {
        int32_t status = core_draw_tile(&task, 0, 0);
        MUST(status == CORE_OK || status == CORE_INVALID);
    }
    free(workspace);
}

static void make_grids(input *in, core_synthesis *task) {
    int32_t channels = task->latents == CORE_LATENTS ? 3 : 1;
    int64_t count = (int64_t)task->columns * task->rows, bytes = core_grid_weights_bytes();
    int32_t *numbers = room(count, sizeof *numbers, 0);
    core_grids grids = {.numbers = numbers, .columns = task->columns, .rows = task->rows, .column = task->column, .row = task->row,
                        .width = task->width, .height = task->height, .tile = 1 + take8(in) % 64};
    static core_steps steps[2];
    static uint8_t *weights[2];
    core_header header = {channels, 128, 8, 2, 0, 0, 0, 48, 48, 0, 0};
    int32_t kind = channels == 3;
    if (weights[kind] == NULL) {
        uint8_t *workspace = workspace_of(bytes, 0xa5);
        weights[kind] = workspace_of(bytes, 0xa5);
        MUST(core_make_steps(&header, &steps[kind]) == CORE_OK && core_make_grid_weights(&steps[kind], weights[kind], workspace) == CORE_OK);
        free(workspace);
    }
    grids.steps = &steps[kind], grids.weights = weights[kind], grids.busy = take_numbers(in, task, numbers);
    grids.coarse = room(count * channels * 16, sizeof(int16_t), 0), grids.fine = room(grids.busy * channels * 64, sizeof(int16_t), 0);
    if (take8(in) == 1) (&grids.busy)[take8(in) % 8] = odd_number(take8(in)) & 255;
    grids.busy = min64(grids.busy, count); /* what it says of buffers is true */
    int64_t cells = core_synthesis_workspace(task->columns, task->rows);
    task->workspace = workspace_of(rounded_up(cells), 0xa5), task->workspace_bytes = cells;
    int32_t same = grids.columns == task->columns && grids.rows == task->rows && grids.busy >= 0;
    if (same) {
        int32_t status = core_synthesize_grids(task, &grids);
        MUST(status == CORE_OK || status == CORE_INVALID);
        input again = *in;
        float first[128 * 32 * 3], second[128 * 32 * 3];
        memset(first, 0, sizeof first), memset(second, 0, sizeof second);
        draw(in, &grids, channels, 0, first), draw(&again, &grids, channels, 0xa5, second);
        MUST(memcmp(first, second, sizeof first) == 0);
    }
    free(task->workspace), free(numbers), free(grids.coarse), free(grids.fine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    cells c = {.q = take8(&in) % 192, .latents = take8(&in) & 1 ? CORE_LATENTS : CORE_LATENT_LUMA, .columns = 1 + take8(&in) % 9, .rows = 1 + take8(&in) % 5};
    int64_t length = min64((int64_t)take(&in, 2), in.end - in.at), count = (int64_t)c.latents * c.columns * c.rows;
    uint8_t *stream = room(length, 1, 0);
    memcpy(stream, in.at, (size_t)length), in.at += length;
    int16_t *found = room(count, sizeof *found, 0), *again = room(count, sizeof *again, 0);
    int32_t status = decode(&c, stream, length, 0, found);
    MUST(status == decode(&c, stream, length, 0xa5, again) && memcmp(found, again, (size_t)count * sizeof *found) == 0);
    MUST(status == CORE_OK || status == CORE_IMPOSSIBLE_CODE || status == CORE_NEEDLESS_ESCAPE || status == CORE_WRONG_END);
    int16_t *values = take_values(&in, &c, found);
    core_synthesis task = {.network = &network, .values = values, .q = c.q, .latents = c.latents, .columns = c.columns, .rows = c.rows,
                           .column = take8(&in) & 7, .row = take8(&in) & 7, .width = 1 + (int64_t)take(&in, 2) % 300, .height = 1 + (int64_t)take(&in, 2) % 200,
                           .least_level = take8(&in) & 3};
    int32_t *nothing = room(0, 1, 0);
    task.room = synthesize(&task, 0, nothing);
    int32_t *columns = room(11 * task.room, sizeof *columns, 0xa5);
    MUST(synthesize(&task, 0xa5, columns) == task.room);
    make_grids(&in, &task);
    free(nothing), free(columns), free(values), free(found), free(again), free(stream);
    return 0;
}
