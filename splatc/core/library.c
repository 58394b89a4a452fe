/* The library as such: versions, sizes, the instruction set of the rasterizer. */
#include "internal.h"
#if !defined(__wasm__)
#include "pack.h"
#include "pack_search.h"
#endif

#if !defined(__wasm__)
#include "fit.h"
#include "rdo.h"
#include "seed.h"
#include "loss.h"
#include "metric.h"
#include "refine.h"
#endif

#ifndef CORE_SOURCES
#define CORE_SOURCES "unknown"
#endif

int32_t core_version(void) { return CORE_VERSION; }

const char *core_sources(void) { return CORE_SOURCES; }

int64_t core_struct_bytes(int32_t which) {
    static const int64_t BYTES[] = {
        sizeof(core_header), sizeof(core_steps),  sizeof(core_tables),  sizeof(core_partitions), sizeof(core_site),   sizeof(core_section),
        sizeof(core_level),  sizeof(core_decode), sizeof(core_predict), sizeof(core_view),   sizeof(core_placed), sizeof(core_draw),
        [15] = sizeof(core_columns), sizeof(core_gaussians), sizeof(core_latent_network), sizeof(core_latent_tile), sizeof(core_synthesis),
        [27] = sizeof(core_grids),
#if !defined(__wasm__)
        [12] = sizeof(core_job), sizeof(core_dequantizing), sizeof(core_placing),
        [20] = sizeof(core_fit), sizeof(core_fit_widths), sizeof(core_fit_adam), sizeof(core_fit_rate), sizeof(core_fit_placed),
        sizeof(core_fit_network),
        [30] = sizeof(core_loss), sizeof(core_squares), sizeof(core_similarity),
        [40] = sizeof(core_sum),
        [41] = sizeof(core_reduce),
        [42] = sizeof(core_split),
        [43] = sizeof(core_features),
        [44] = sizeof(core_colours),
        [45] = sizeof(core_nearest),
        [46] = sizeof(core_apart),
        [50] = sizeof(core_quantizing), sizeof(core_layer), sizeof(core_part), sizeof(core_arranging), sizeof(core_pack_section), sizeof(core_chunk),
        sizeof(core_pack),
        [60] = sizeof(core_refinement), sizeof(core_rdo),
#endif
    };
    return which < 0 || which >= (int32_t)(sizeof BYTES / sizeof *BYTES) ? 0 : BYTES[which];
}

typedef int32_t drawer(const core_draw *task, int64_t tile, int32_t worker);

#if defined(__x86_64__)
static drawer *const DRAWERS[5] = {NULL, NULL, draw_tile_v2, draw_tile_v3, draw_tile_v4};
static const latent_functions *const LATENTS[5] = {NULL, NULL, &latents_v2, &latents_v3, &latents_v4};
enum { LEAST_LEVEL = 2 };
#else
static drawer *const DRAWERS[5] = {NULL, draw_tile_base, NULL, NULL, NULL};
static const latent_functions *const LATENTS[5] = {NULL, &latents_base, NULL, NULL, NULL};
enum { LEAST_LEVEL = 1 };
#endif

static int32_t chosen; /* 0: the best */

int32_t core_best_level(void) { return best_level(); }

int32_t core_get_level(void) {
    int32_t level = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (level == 0) {
        level = best_level();
        __atomic_store_n(&chosen, level, __ATOMIC_RELAXED);
    }
    return level;
}

int32_t core_set_level(int32_t level) {
    if (level < LEAST_LEVEL || level > best_level()) return CORE_INVALID;
    __atomic_store_n(&chosen, level, __ATOMIC_RELAXED);
    return CORE_OK;
}

int32_t draw_tile(const core_draw *task, int64_t tile, int32_t worker) {
    int32_t level = core_get_level();
    return level < LEAST_LEVEL ? CORE_INVALID : DRAWERS[level](task, tile, worker);
}

static const latent_functions *latents(void) { return LATENTS[max32(core_get_level(), LEAST_LEVEL)]; }

int64_t core_latent_workspace(int32_t columns, int32_t rows) { return latents()->reading_workspace(columns, rows); }
int32_t core_decode_latents(const core_latent_tile *task) { return latents()->decode(task); }
int64_t core_synthesis_workspace(int32_t columns, int32_t rows) { return latents()->synthesis_workspace(columns, rows); }
int32_t core_synthesize(core_synthesis *task) { return latents()->synthesize(task); }
int32_t core_synthesize_grids(const core_synthesis *task, const core_grids *grids) { return latents()->synthesize_grids(task, grids); }

#if !defined(__wasm__)
int32_t core_expect_latents(const core_latent_tile *task, const int16_t *values, int32_t *means, uint8_t *tables) {
    return latents()->expect(task, values, means, tables);
}

typedef void predictor(const places *task, int64_t first, int64_t last);

#if defined(__x86_64__)
static predictor *const PREDICTORS[5] = {NULL, NULL, predict_places_v2, predict_places_v3, predict_places_v4};
#else
static predictor *const PREDICTORS[5] = {NULL, predict_places_base, NULL, NULL, NULL};
#endif

void predict_places(const places *task, int64_t first, int64_t last) {
    int32_t level = core_get_level();
    PREDICTORS[max32(level, LEAST_LEVEL)](task, first, last);
}
#endif
