/* The entries of rdo.h: what they are given is looked at, and the instruction set chosen. */
#include "rdo_internal.h"

#if !defined(__wasm__)

enum { MOST_SIDE = 1 << 20 };

static int32_t is_sound(const core_rdo *t, int64_t first, int64_t last) {
    if (t == NULL || t->count < 0 || t->count > MAX_GAUSSIANS || t->choices < 2 || t->channels < 1 || t->channels > CORE_MAX_CHANNELS) return 0;
    if (t->width < 1 || t->height < 1 || t->width > MOST_SIDE || t->height > MOST_SIDE || t->stride < t->width + CORE_RDO_PAD) return 0;
    return first >= 0 && first <= last && last <= t->count && t->choice != NULL && t->sums != NULL && t->target != NULL;
}

int32_t core_rdo_draw(const core_rdo *t, int64_t first, int64_t last) {
    if (!is_sound(t, first, last)) return CORE_INVALID;
    CHOOSE(rdo_draw)(t, first, last);
    return CORE_OK;
}

double core_rdo_error(const core_rdo *t) { return is_sound(t, 0, 0) ? CHOOSE(rdo_error)(t) : -1.0; }

static int32_t turns_are_sound(const core_rdo *t, int64_t first, int64_t last) {
    if (!is_sound(t, first, last) || t->price == NULL || t->order == NULL) return 0;
    for (int64_t turn = first; turn < last; turn++)
        if (t->order[turn] < 0 || t->order[turn] >= t->count) return 0;
    return 1;
}

int32_t core_rdo_choose(const core_rdo *t, int64_t first, int64_t last) {
    if (!turns_are_sound(t, first, last) || t->chosen == NULL || t->cost == NULL) return CORE_INVALID;
    CHOOSE(rdo_choose)(t, first, last);
    return CORE_OK;
}

int32_t core_rdo_arrange(const core_rdo *t, int32_t *latest, int32_t *wave) {
    if (t == NULL || !turns_are_sound(t, 0, t->count) || latest == NULL || wave == NULL) return CORE_INVALID;
    CHOOSE(rdo_arrange)(t, latest, wave);
    return CORE_OK;
}

#endif
